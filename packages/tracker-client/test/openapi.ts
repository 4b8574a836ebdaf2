import { z } from "zod";
import type { SeenExchange } from "./exchange-proxy.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name?: string; readonly in?: string }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly content?: Content; readonly $ref?: string }>
  >;
}

type Content = { readonly "application/json": { readonly schema: object } };
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** As much of OpenAPI 3.1 as our document uses: paths, query names, bodies by JSON Schema. */
export function openApi(document: {
  readonly paths: Paths;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, { readonly content: Content }>>;
  };
}) {
  // References lead into the document; JSON Schema keeps what they name under $defs.
  const text = JSON.stringify(document.components.schemas);
  const $defs = JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/"));
  const schemaOf = (schema: object): z.ZodType => {
    const own = JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));
    return z.fromJSONSchema({ ...own, $defs });
  };
  const contentOf = (response: Operation["responses"][string] | undefined): Content | undefined =>
    response?.$ref === undefined
      ? response?.content
      : document.components.responses[response.$ref.split("/").at(-1) ?? ""]?.content;

  const find = ({ method, path }: SeenExchange): Operation | undefined => {
    const template = Object.keys(document.paths).find((each) =>
      new RegExp(`^${each.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
    );
    return document.paths[template ?? ""]?.[method.toLowerCase()];
  };

  const bodyProblems = (name: string, content: Content | undefined, body: unknown): string[] => {
    if (content === undefined) return [`${name}: no body is described`];
    const parsed = schemaOf(content["application/json"].schema).safeParse(body);
    return parsed.success ? [] : [`${name}: ${z.prettifyError(parsed.error)}`];
  };

  return {
    operations: Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId }) => (operationId ? [operationId] : [])),
    ),
    operationsOf: (exchanges: readonly SeenExchange[]): string[] =>
      [...new Set(exchanges.map((each) => find(each)?.operationId ?? "?"))].toSorted(),
    problemsOf: (exchange: SeenExchange): string[] => {
      const operation = find(exchange);
      const name = `${exchange.method} ${exchange.path} ${exchange.status}`;
      if (operation === undefined) return [`${name}: no such operation`];
      const known = (operation.parameters ?? []).map((parameter) => parameter.name);
      const strange = Object.keys(exchange.query).filter((each) => !known.includes(each));
      const response =
        operation.responses[String(exchange.status)] ?? operation.responses["default"];
      return [
        ...strange.map((each) => `${name}: the query ${each} is not described`),
        ...(exchange.requestBody === null
          ? []
          : bodyProblems(name, operation.requestBody?.content, exchange.requestBody)),
        ...bodyProblems(name, contentOf(response), exchange.responseBody),
      ];
    },
  };
}
