import type { ReferenceTracker } from "@waybill/tracker-client/testing";

/** Somebody at the board, who knows nothing of agents' sessions. */
export interface Person {
  /** Makes a task and gives it to somebody. */
  gives(task: string, title: string, to: string): Promise<void>;
  cancels(task: string): Promise<void>;
  says(chat: string, content: string): void;
}

/** A person, over the board's own REST paths. */
export function personAt(board: ReferenceTracker): Person {
  const call = async (method: string, path: string, body: object): Promise<void> => {
    const response = await fetch(`${board.url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${board.token}` },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  };
  return {
    gives: (id, title, to) => call("POST", "tasks", { id, title, assigned_to: to }),
    cancels: (id) => call("PATCH", `tasks/${id}`, { status: "cancelled" }),
    says: (chat, content) => void board.say(chat, content, { sender_name: "Ann" }),
  };
}
