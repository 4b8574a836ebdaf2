import { styleText } from "node:util";
import type { PersonOperation, SessionHandle, SessionRecord } from "@waybill/core";
import { isPersonal } from "@waybill/core";
import type { Screen } from "./screen.ts";

/** What the agent asks of the person at this terminal, one after the other. */
export class Asked {
  readonly #session: SessionHandle;
  readonly #screen: Screen;
  readonly #waiting = new Map<string, PersonOperation>();

  constructor(session: SessionHandle, screen: Screen) {
    this.#session = session;
    this.#screen = screen;
  }

  /** Shows what waits from before this terminal was opened. */
  async begin(): Promise<void> {
    for (const { operation } of await this.#session.approvals()) {
      const { id, operation: asked } = operation;
      if (isPersonal(asked)) this.#add(id, asked);
    }
  }

  /** Follows what is asked, and what is over. */
  see({ type, data }: SessionRecord): void {
    if (type === "OperationRequested" && isPersonal(data.operation)) {
      this.#add(data.operationId, data.operation);
      return;
    }
    const isOver =
      type === "ApprovalDenied" || type === "ApprovalWithdrawn" || type === "PersonAnswered";
    if (isOver && this.#waiting.delete(data.operationId)) this.#show();
  }

  /** Takes a line as the answer to what is shown; false where nothing is asked. */
  async take(line: string): Promise<boolean> {
    const [first] = this.#waiting;
    if (first === undefined) return false;
    const [id, asked] = first;
    if (asked.type === "person.ask") {
      await this.#session.answer(id, choice(asked, line), { by: "chat" });
    } else if (/^(y|yes)$/i.test(line.trim())) {
      await this.#session.grant(id, { by: "chat" });
    } else {
      const reason = /^(n|no)$/i.test(line.trim()) ? "The person at the terminal said no." : line;
      await this.#session.deny(id, { by: "chat", reason });
    }
    return true;
  }

  #add(id: string, asked: PersonOperation): void {
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, asked);
    if (this.#waiting.size === 1) this.#show();
  }

  #show(): void {
    const [asked] = this.#waiting.values();
    if (asked !== undefined) this.#screen.print(styleText("yellow", words(asked)));
  }
}

function words(asked: PersonOperation): string {
  if (asked.type === "person.ask") {
    const choices = (asked.choices ?? []).map((each, index) => `\n  ${index + 1}. ${each}`);
    return `? ${asked.question}${choices.join("")}`;
  }
  const input = JSON.stringify(asked.input, null, 2).replaceAll("\n", "\n  ");
  return `? It asks for leave to use ${asked.tool}: ${input}\n  y allows it; n, or a reason, refuses it`;
}

/** A number picks a choice; anything else is the answer itself. */
function choice({ choices = [] }: { readonly choices?: readonly string[] }, line: string): string {
  return choices[Number(line.trim()) - 1] ?? line;
}
