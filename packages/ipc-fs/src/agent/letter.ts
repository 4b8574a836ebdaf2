import type { Json, Letter } from "@waybill/core";

/** A message for the agent. The same (`id`, `delivery`) pair never comes twice. */
export type MessageLetter = Extract<Letter, { type: "message" }>;

/** Ends the named turn early, if it is still going on. */
export type InterruptLetter = Extract<Letter, { type: "interrupt" }>;

/** Finish what is in hand, say bye and exit; after `deadlineMs` the host stops the run. */
export type CloseLetter = Extract<Letter, { type: "close" }>;

/** What became of an operation. */
export interface Answer {
  /** The operation's sequence number. */
  readonly re: number;
  /** `delivered`: done at the Tracker. `rejected`: not allowed or refused. `abandoned`: given up. */
  readonly status: "delivered" | "rejected" | "abandoned";
  /** What a question asked for, or what the Tracker says of what was done. */
  readonly data?: Json;
  readonly error?: { readonly code: string; readonly message: string };
}

/** What a file of the inbox holds, by its name; null for a file of another kind. */
export type LetterName =
  | { readonly type: "message"; readonly position: number; readonly delivery: number }
  | { readonly type: "answer"; readonly seq: number }
  | { readonly type: "interrupt"; readonly turn: string }
  | { readonly type: "close" };

/** Reads the name of a file of the inbox. Unknown names are null: a newer host may have more kinds. */
export function readLetterName(name: string): LetterName | null {
  const message = /^m\.(\d{10})\.(\d{4})\.json$/.exec(name);
  if (message !== null) {
    return { type: "message", position: Number(message[1]), delivery: Number(message[2]) };
  }
  const answer = /^a\.(\d{16})\.json$/.exec(name);
  if (answer !== null) {
    return { type: "answer", seq: Number(answer[1]) };
  }
  const interrupt = /^i\.([A-Za-z0-9_-]{1,64})\.json$/.exec(name);
  if (interrupt?.[1] !== undefined) {
    return { type: "interrupt", turn: interrupt[1] };
  }
  return name === "z.json" ? { type: "close" } : null;
}

/** Reads a letter's text. Throws a plain `Error` with the reason; the reader names the file. */
export function readMessage(text: string): MessageLetter {
  const data = dataOf(text, "message");
  const { id, delivery, position, text: body, from } = data;
  if (
    typeof id !== "string" ||
    typeof delivery !== "number" ||
    typeof position !== "number" ||
    typeof body !== "string" ||
    (typeof from !== "string" && from !== null)
  ) {
    throw new Error("its data is no message");
  }
  return { type: "message", id, delivery, position, text: body, from };
}

/** As `readMessage`, for a close. */
export function readClose(text: string): CloseLetter {
  const { reason, deadlineMs } = dataOf(text, "close");
  if (typeof reason !== "string" || typeof deadlineMs !== "number") {
    throw new Error("its data is no close");
  }
  return { type: "close", reason, deadlineMs };
}

/** As `readMessage`, for an answer. */
export function readAnswer(text: string): Answer {
  const { re, status, data, error } = dataOf(text, "answer");
  if (
    typeof re !== "number" ||
    (status !== "delivered" && status !== "rejected" && status !== "abandoned")
  ) {
    throw new Error("its data is no answer");
  }
  return {
    re,
    status,
    ...(data === undefined ? {} : { data }),
    ...(isError(error) ? { error: { code: error.code, message: error.message } } : {}),
  };
}

function dataOf(text: string, type: string): { readonly [key: string]: Json } {
  const envelope: unknown = JSON.parse(text);
  if (!isObject(envelope) || envelope["v"] !== 1 || envelope["type"] !== type) {
    throw new Error(`it is no version 1 envelope of type ${type}`);
  }
  const data = envelope["data"];
  if (!isObject(data)) {
    throw new Error("its data is no object");
  }
  return data;
}

function isError(value: unknown): value is { readonly code: string; readonly message: string } {
  return (
    isObject(value) && typeof value["code"] === "string" && typeof value["message"] === "string"
  );
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
