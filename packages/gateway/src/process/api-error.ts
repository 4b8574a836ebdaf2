import { STATUS_CODES } from "node:http";

/** A refusal by the gateway itself, told to the run in the Messages API's own shape. */
export interface Refusal {
  readonly status: number;
  /** For the audit log: why, in kebab-case. */
  readonly reason: string;
  readonly message: string;
  /** Whether the SDK should try again, and after how long, in seconds. */
  readonly retryAfter?: number;
}

/** Who reads it: the model's SDK, a program that asked for JSON, or one that shows people a text. */
export type RefusalReader = "sdk" | "json" | "text";

/** The headers and the body of a refusal. */
export function refusalParts(
  refusal: Refusal,
  reader: RefusalReader = "sdk",
): { headers: Record<string, string>; body: string } {
  const body = bodyOf(refusal, reader);
  const retry = refusal.retryAfter;
  return {
    body,
    headers: {
      "content-type": reader === "text" ? "text/plain" : "application/json",
      "content-length": String(Buffer.byteLength(body)),
      // Read by the SDK's HTTP client before it looks at the status.
      "x-should-retry": String(retry !== undefined),
      ...(retry === undefined ? {} : { "retry-after": String(retry) }),
    },
  };
}

/** npm shows people the text of `error`, and git a plain text: seen with npm 11 and git 2.39. */
function bodyOf({ status, message }: Refusal, reader: RefusalReader): string {
  const said = `Waybill's gateway: ${message}`;
  switch (reader) {
    case "sdk":
      return JSON.stringify({ type: "error", error: { type: errorType(status), message: said } });
    case "json":
      return JSON.stringify({ error: said });
    case "text":
      return `${said}\n`;
  }
}

/** A whole HTTP/1.1 response, for a connection that Node's parser has given up or handed over. */
export function rawRefusal(refusal: Refusal): string {
  const { headers, body } = refusalParts(refusal);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `${refusal.status} ${STATUS_CODES[refusal.status] ?? "Error"}`;
  return `HTTP/1.1 ${status}\r\n${lines.join("")}connection: close\r\n\r\n${body}`;
}

function errorType(status: number): string {
  switch (status) {
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 413:
      return "request_too_large";
    case 408:
    case 504:
      return "timeout_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}
