import { isNode, type Place, type SyntaxNode } from "./syntax.ts";

/** One way to change a place. */
export type Mutation =
  /** Another expression in place of this one. */
  | { readonly form: "expression"; readonly at: SyntaxNode; readonly text: string }
  /** The statements are left out. */
  | { readonly form: "without"; readonly at: { readonly start: number; readonly end: number } }
  /** The body of a function does nothing. */
  | { readonly form: "empty"; readonly at: SyntaxNode };

/** Every change of the operator, literal, condition or statement at a place. */
export function* mutationsOf(place: Place, source: string): Generator<Mutation> {
  yield* conditions(place);
  yield* operators(place, source);
  yield* literals(place);
  yield* calls(place, source);
  yield* statements(place);
}

const text = ({ start, end }: SyntaxNode, source: string): string => source.slice(start, end);

function expression(at: SyntaxNode, changed: string): Mutation {
  return { form: "expression", at, text: changed };
}

/** A condition is always met, or never. */
function* conditions({ node }: Place): Generator<Mutation> {
  const { test, right, type } = node;
  if ((type === "IfStatement" || type === "ConditionalExpression") && isNode(test)) {
    yield expression(test, "true");
    yield expression(test, "false");
  }
  // A loop that is never left would tell nothing but that.
  if ((type === "WhileStatement" || type === "ForStatement") && isNode(test))
    yield expression(test, "false");
  if (type === "ForOfStatement" && isNode(right)) yield expression(right, "[]");
}

const swapped: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "^": ["|"],
  ">>>": ["<<"],
  "&&": ["||"],
  "||": ["&&"],
  "??": ["&&"],
  "+=": ["-="],
  "-=": ["+="],
  "??=": ["="],
};

function* operators({ node }: Place, source: string): Generator<Mutation> {
  const { left, right, argument, operator, type } = node;
  if (isNode(left) && isNode(right) && typeof operator === "string") {
    for (const other of swapped[operator] ?? []) {
      yield expression(node, `${text(left, source)} ${other} ${text(right, source)}`);
    }
  }
  const isSigned = type === "UnaryExpression" && (operator === "!" || operator === "-");
  if (isSigned && isNode(argument)) yield expression(node, text(argument, source));
  if (type === "UpdateExpression" && isNode(argument)) {
    yield expression(node, `${text(argument, source)} ${operator === "++" ? "-= 1" : "+= 1"}`);
  }
  if (type === "ChainExpression") yield* unchained(node, source);
}

/** Each `?.` of a chain is taken to be sure. */
function* unchained(chain: SyntaxNode, source: string): Generator<Mutation> {
  const whole = text(chain, source);
  for (const { index } of whole.matchAll(/\?\.(?=[^\d])/g)) {
    const rest = whole.slice(index + 2);
    const dot = rest.startsWith("[") || rest.startsWith("(") ? "" : ".";
    yield expression(chain, `${whole.slice(0, index)}${dot}${rest}`);
  }
}

function* literals({ node, parent, part }: Place): Generator<Mutation> {
  const { type, value, elements, properties } = node;
  if (type === "Literal") {
    // The name of a field is no literal; nor is what a module exports from.
    if (part === "key" || (part === "source" && parent?.type.startsWith("Export") === true)) return;
    if (typeof value === "string") yield expression(node, value === "" ? '"mutant"' : '""');
    if (typeof value === "number") yield expression(node, String(value + 1));
    if (typeof value === "boolean") yield expression(node, String(!value));
  }
  if (type === "TemplateLiteral") yield expression(node, "``");
  if (type === "ArrayExpression" && Array.isArray(elements) && elements.length > 0)
    yield expression(node, "[]");
  if (type === "ObjectExpression" && Array.isArray(properties) && properties.length > 0)
    yield expression(node, "{}");
}

const opposites: Readonly<Record<string, string>> = {
  min: "max",
  max: "min",
  some: "every",
  every: "some",
  round: "ceil",
};

function* calls({ node, parent }: Place, source: string): Generator<Mutation> {
  const { type, callee, body } = node;
  if (type === "ArrowFunctionExpression" && isNode(body) && body.type !== "BlockStatement")
    yield expression(body, "undefined");
  // Inside a chain, a call is no expression of its own.
  if (type !== "CallExpression" || !isNode(callee) || parent?.type === "ChainExpression") return;
  const { property } = callee;
  const name = isNode(property) ? property["name"] : null;
  const opposite = typeof name === "string" ? opposites[name] : undefined;
  if (!isNode(property) || opposite === undefined) return;
  const [before, after] = [
    source.slice(node.start, property.start),
    source.slice(property.end, node.end),
  ];
  yield expression(node, `${before}${opposite}${after}`);
}

function* statements({ node, parent }: Place): Generator<Mutation> {
  const { type, expression: said, consequent, body, argument } = node;
  const isVoidReturn = type === "ReturnStatement" && argument === null;
  if (type === "ThrowStatement" || type === "ContinueStatement" || isVoidReturn)
    yield { form: "without", at: node };
  if (type === "ExpressionStatement" && isNode(said) && !isForTheCompiler(said))
    yield { form: "without", at: node };
  if (type === "SwitchCase" && Array.isArray(consequent)) yield* withoutCase(consequent);
  const isBody = type === "BlockStatement" && Array.isArray(body) && body.length > 0;
  if (isBody && parent !== null && hasBody.has(parent.type)) yield { form: "empty", at: node };
}

const hasBody = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** A case falls through to the next one. */
function* withoutCase(consequent: readonly unknown[]): Generator<Mutation> {
  const nodes = consequent.filter(isNode);
  const [first] = nodes;
  const last = nodes.at(-1);
  if (first === undefined || last === undefined || nodes.some(isDeclaration)) return;
  if (nodes.every(({ expression: said }) => isNode(said) && isForTheCompiler(said))) return;
  if (first.type === "ExpressionStatement" && nodes.length === 1) return; // left out already
  yield { form: "without", at: { start: first.start, end: last.end } };
}

function isDeclaration({ type }: SyntaxNode): boolean {
  return type === "VariableDeclaration";
}

/** `x satisfies never` does nothing. */
function isForTheCompiler({ type }: SyntaxNode): boolean {
  return type === "TSSatisfiesExpression";
}
