import { styleText } from "node:util";
import type { Activity, SessionRecord } from "@waybill/core";
import type { Audience } from "./stage.ts";

/** Tells the story on a terminal, a line for each thing that a person cares about. */
export class Teller implements Audience {
  readonly #startedAt = performance.now();
  readonly #requests = new Map<string, string>();

  /** A sentence between the acts. */
  narrate(text: string): void {
    console.log(`\n${styleText("bold", text)}`);
  }

  record(record: SessionRecord): void {
    const line = this.#lineOf(record);
    if (line !== null) this.#print(line);
  }

  activity(activity: Activity): void {
    if (activity.type === "tool_started") {
      this.#print(styleText("dim", `  … ${activity.tool} ${activity.summary}`.slice(0, 100)));
    }
  }

  log(text: string): void {
    this.#print(styleText("dim", `  log ${text}`));
  }

  #print(line: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(5);
    console.log(`${styleText("dim", `${seconds}s`)} ${line}`);
  }

  #lineOf(record: SessionRecord): string | null {
    switch (record.type) {
      case "SessionOpened":
        return `session opened for ${record.data.agent.name}`;
      case "SessionReopened":
        return "session opened again";
      case "SessionOwned":
        return `owned by orchestrator ${record.data.owner.split("-")[0]}, epoch ${record.data.epoch}`;
      case "MessageQueued":
        return `${styleText("cyan", "→")} ${firstLine(record.data.text)}`;
      case "RunStarted":
        return `run started: ${short(record.data.runId)}`;
      case "AgentReady":
        return "agent ready";
      case "ContextRestored":
        return record.data.from === "native"
          ? "the agent remembers the conversation"
          : "the conversation was lost";
      case "RunAdopted":
        return styleText("green", `run adopted, alive: ${short(record.data.runId)}`);
      case "MessageAccepted":
        return styleText("dim", "  message accepted");
      case "OperationRequested":
        this.#requests.set(record.data.operationId, describe(record.data.operation));
        return `  asks: ${describe(record.data.operation)}`;
      case "OperationDelivered": {
        const again = record.data.receipt.repeated ? " (the Tracker had it already)" : "";
        return styleText(
          "green",
          `  done: ${this.#requests.get(record.data.operationId) ?? ""}${again}`,
        );
      }
      case "OperationRejected":
        return styleText("red", `  refused: ${record.data.reason}`);
      case "TurnEnded":
        return `${styleText("cyan", "←")} ${firstLine(record.data.text)} ${styleText("dim", `(${record.data.outcome})`)}`;
      case "RunExited":
        return `run exited: ${record.data.exitCode ?? record.data.signal ?? "unknown"}`;
      case "SessionClosed":
        return `session ${record.data.outcome}`;
      case "EffectDeferred":
        return styleText("yellow", `  again later: ${record.data.failure.message}`);
      case "SessionParked":
        return styleText("red", `parked: ${record.data.failure.message}`);
      default:
        return null;
    }
  }
}

/** Prints every recorded event as a JSON line. */
export class JsonTeller implements Audience {
  narrate(): void {}
  record(record: SessionRecord): void {
    console.log(JSON.stringify(record));
  }
  activity(): void {}
  log(): void {}
}

function describe(operation: { readonly type: string; readonly content?: string }): string {
  return operation.content === undefined
    ? operation.type
    : `${operation.type} "${operation.content}"`;
}

function firstLine(text: string): string {
  const line = text.split("\n").find((each) => each.trim() !== "") ?? "";
  return line.length > 110 ? `${line.slice(0, 109)}…` : line;
}

function short(runId: string): string {
  return runId.slice(0, 12);
}
