import { parseSync } from "oxc-parser";

/** A node of a source's syntax, as ESTree has it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [part: string]: unknown;
}

/** A node, with what stands around it. */
export interface Place {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | null;
  /** The name of the part of the parent that it is. */
  readonly part: string;
  /** The functions and methods around it, from the outside: empty for what runs on loading. */
  readonly inside: readonly string[];
}

/** Parses TypeScript. */
export function parse(source: string): SyntaxNode {
  return parseSync("source.ts", source).program as unknown as SyntaxNode;
}

/** Every node that makes something happen, from the outside in: types and imports are left out. */
export function* placesIn(root: SyntaxNode): Generator<Place> {
  yield* walk({ node: root, parent: null, part: "", inside: [] });
}

function* walk(place: Place): Generator<Place> {
  const { node, parent } = place;
  if (isOnlyType(node)) return;
  yield place;
  const inside = isFunction(node) ? [...place.inside, nameOf(node, parent)] : place.inside;
  for (const [part, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* walk({ node: child, parent: node, part, inside });
    }
  }
}

function isOnlyType({ type }: SyntaxNode): boolean {
  if (type === "ImportDeclaration") return true;
  return type.startsWith("TS") && !wrappers.has(type);
}

const wrappers = new Set(["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression"]);

/** Whether it is run later than the file that it stands in. */
function isFunction({ type }: SyntaxNode): boolean {
  return (
    type === "FunctionDeclaration" ||
    type === "FunctionExpression" ||
    type === "ArrowFunctionExpression" ||
    type === "PropertyDefinition"
  );
}

function nameOf(node: SyntaxNode, parent: SyntaxNode | null): string {
  for (const named of [node, parent]) {
    const label = named?.["id"] ?? named?.["key"];
    if (isNode(label) && typeof label["name"] === "string") return label["name"];
  }
  return "=>";
}

/** Whether the value is a node. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
