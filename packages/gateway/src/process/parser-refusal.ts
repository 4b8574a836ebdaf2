import type { Refusal } from "./api-error.ts";
import { errorCode } from "./error-code.ts";

/** What to answer where Node's HTTP parser gave up; null where nobody is left to hear it. */
export function parserRefusal(error: Error): Refusal | null {
  switch (errorCode(error)) {
    case "ECONNRESET":
    case "EPIPE":
      return null;
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, reason: "headers-too-large", message: "the headers are too large." };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, reason: "too-slow", message: "the request took too long to arrive." };
    default:
      return { status: 400, reason: "malformed", message: "this is no valid HTTP request." };
  }
}
