import * as z from "zod";
import type { Board } from "./board.ts";
import { refused } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { faultSchema } from "./fault-switch.ts";
import type { Fault, FaultSwitch } from "./fault-switch.ts";

const faultList = z.union([faultSchema.transform((fault) => [fault]), z.array(faultSchema)]);

/** Answers what is about the board itself, for a demo in another process; null for anything else. */
export function controlAnswer(
  exchange: Exchange,
  board: Board,
  faults: FaultSwitch,
  requests: number,
): Answer | null {
  switch (`${exchange.method} ${exchange.path}`) {
    case "GET /__records":
      return { status: 200, body: { ...board.records, requests } };
    case "GET /__faults":
      return { status: 200, body: { faults: faults.list() } };
    case "DELETE /__faults":
      faults.clear();
      return { status: 200, body: { faults: [] } };
    case "POST /__faults": {
      const asked = readFaults(exchange.body);
      if ("status" in asked) {
        return asked;
      }
      faults.add(...asked.faults);
      return { status: 200, body: { faults: faults.list() } };
    }
    default:
      return exchange.path.startsWith("/__")
        ? refused(404, "NO_ROUTE", `There is no ${exchange.method} ${exchange.path}.`)
        : null;
  }
}

/** The faults that a request asks for itself, in the header `Waybill-Fault`. */
export function headerFaults(exchange: Exchange): { readonly faults: readonly Fault[] } | Answer {
  const header = exchange.headers["waybill-fault"];
  return header === undefined ? { faults: [] } : readFaults(String(header));
}

function readFaults(text: string): { readonly faults: readonly Fault[] } | Answer {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused(400, "FAULT_INVALID", "A fault is a JSON object, or a list of them.");
  }
  const parsed = faultList.safeParse(json);
  return parsed.success
    ? { faults: parsed.data }
    : refused(422, "FAULT_INVALID", z.prettifyError(parsed.error));
}
