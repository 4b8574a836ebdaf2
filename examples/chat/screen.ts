import { clearLine, cursorTo, type Interface } from "node:readline";
import { styleText } from "node:util";
import { isPersonal, type Activity, type SessionRecord } from "@waybill/core";

/** The terminal: what is said stays above the line that is being typed. */
export class Screen {
  readonly #input: Interface;
  #last = "";
  /** After the end of input (Ctrl+D) there is nothing to type on. */
  #hasPrompt = true;

  constructor(input: Interface) {
    this.#input = input;
    input.once("close", () => {
      this.#hasPrompt = false;
    });
  }

  /** Prints above the prompt. */
  print(text: string): void {
    clearLine(process.stdout, 0);
    cursorTo(process.stdout, 0);
    console.log(text);
    if (this.#hasPrompt) this.#input.prompt(true);
  }

  /** Says what the agent is doing; the same again is said once. */
  status(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.print(styleText("dim", `  ${text}`));
  }

  /** Shows what matters of an event. */
  record(record: SessionRecord): void {
    switch (record.type) {
      case "RunRequested":
        return this.status("starting the agent …");
      case "AgentReady":
        return this.status("the agent is ready");
      case "ContextRestored":
        return this.status(
          record.data.from === "native"
            ? "it remembers the conversation"
            : "the conversation was lost",
        );
      case "MessageAccepted":
        return this.status("thinking …");
      case "OperationRequested":
        if (isPersonal(record.data.operation)) return; // it is put before the person
        return this.status(`asks the board: ${record.data.operation.type}`);
      case "OperationDelivered":
        return this.status("the board did it");
      case "OperationRejected":
        return this.status(`refused: ${record.data.reason}`);
      case "OperationDeferred":
        return this.status(`the board does not answer, again soon: ${record.data.failure.message}`);
      case "RunAdopted":
        return this.status("the agent was still at work: carried on");
      case "RestartScheduled":
        return this.status(`the agent ended (${record.data.reason}); it starts again`);
      case "SessionParked":
        return this.print(styleText("red", record.data.failure.message));
      case "TurnEnded":
        return this.#answer(record.data);
      default:
    }
  }

  /** Shows what the agent is doing right now. */
  activity(activity: Activity): void {
    switch (activity.type) {
      case "thinking":
        return this.status("thinking …");
      case "text":
        return this.status("writing …");
      case "tool_started":
        return this.status(`${activity.tool} ${activity.summary}`.trim());
      case "tool_ended":
        return activity.ok ? undefined : this.status(`${activity.tool} failed`);
      case "retrying":
        return this.status(`waiting for the model: ${activity.reason}`);
      case "compacting":
        return this.status("summarizing what was said first …");
      case "idle":
        return;
      default:
        activity satisfies never;
    }
  }

  #answer(turn: Extract<SessionRecord, { readonly type: "TurnEnded" }>["data"]): void {
    this.#last = "";
    const note = turn.outcome === "completed" ? "" : styleText("yellow", ` (${turn.outcome})`);
    const text = turn.text === "" ? (turn.error?.message ?? "") : turn.text;
    this.print(`${styleText("cyan", "‹")} ${text}${note}`);
  }
}
