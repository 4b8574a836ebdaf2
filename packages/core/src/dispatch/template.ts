import { WaybillError } from "../errors.ts";

/** What a template's variables stand for. */
export type TemplateValues = Readonly<Record<string, string>>;

const variable = /\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * The template with every `{{name}}` replaced by its value. What a value holds is never looked at
 * again, so that a task named "{{agent.name}}" stays what it is. Throws `TEMPLATE_INVALID` for a
 * name that has no value.
 */
export function fillTemplate(template: string, values: TemplateValues): string {
  return template.replaceAll(variable, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw unknownVariable(name, Object.keys(values));
    return value;
  });
}

/** Throws `TEMPLATE_INVALID` where a template is empty or has a name that is none of these. */
export function checkTemplate(template: string, names: readonly string[]): void {
  if (template.trim() === "") {
    throw new WaybillError("TEMPLATE_INVALID", "A prompt's template is empty: give it a text.");
  }
  for (const [, name = ""] of template.matchAll(variable)) {
    if (!names.includes(name)) throw unknownVariable(name, names);
  }
  // What looks like a variable and is none would reach the agent as it stands.
  const rest = template.replaceAll(variable, "");
  if (rest.includes("{{") || rest.includes("}}")) {
    throw new WaybillError(
      "TEMPLATE_INVALID",
      `A prompt's template has "{{" or "}}" without its other half: ${JSON.stringify(rest.slice(0, 80))}.`,
    );
  }
}

function unknownVariable(name: string, known: readonly string[]): WaybillError {
  return new WaybillError(
    "TEMPLATE_INVALID",
    `A prompt's template has the variable "${name}", and there is no such thing. Use one of: ${known.join(", ")}.`,
    { details: { name, known } },
  );
}
