import { WaybillError } from "@waybill/core";
import type { Json, JsonObject, Receipt, TrackerCall } from "@waybill/core";
import type * as z from "zod";
import { answerJson } from "./answer-json.ts";
import { shapes } from "./board-shapes.ts";
import type { BoardTask, Trace } from "./board-shapes.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";
import { refusal } from "./refusal.ts";
import type { RefusalContext } from "./refusal.ts";
import { serverSaid } from "./server-said.ts";
import { idSegment, keyHeader } from "./tracker-id.ts";
import { askedChange, askedTask, read } from "./tracker-request.ts";

/**
 * Whether the board holds what this call asked for, found by its client id: the receipt, or null
 * where it certainly does not. Throws `KEY_REUSED` where something else is under that id, and
 * `TRACKER_LOOKUP_UNSUPPORTED` where the board's answer proves nothing.
 */
export async function lookUp(
  client: HttpClient,
  call: TrackerCall,
  context: RefusalContext,
): Promise<Receipt | null> {
  const search = searchFor(call);
  if (search === null) {
    return null;
  }
  const { request, asked, task } = search;
  const answer = await client(request, call.signal);
  if (saysTargetIsMissing(answer)) {
    return null;
  }
  if (lacksRoute(answer)) {
    return task === null
      ? cannotTell(request, context, `it answers ${answer.status}`)
      : lookAtState(client, call, context, { task, asked });
  }
  if (answer.status >= 300) {
    throw refusal(answer, request, context);
  }
  const traces = answerJson(search.schema, answer, request, context.url);
  const found = traces.find(({ clientId }) => clientId === call.key);
  if (found === undefined) {
    // A board that ignores the filter shows other things: then ours may lie further back.
    return traces.length > 0
      ? cannotTell(request, context, "it does not filter by client_id")
      : null;
  }
  if (!says(found, asked)) {
    throw keyReused(call, context);
  }
  return { id: task ?? found.id, at: found.at, repeated: true, data: null };
}

/** Where a call would have left its trace, and what the trace would say. */
interface Search {
  readonly request: HttpRequest;
  readonly schema: z.ZodType<readonly Trace[]>;
  readonly asked: JsonObject;
  /** The task that the call changes; null where it creates something. */
  readonly task: string | null;
}

// A question leaves no trace, and needs none: it can be asked again.
function searchFor(call: TrackerCall): Search | null {
  const { operation, by } = call;
  const searched = (path: string): HttpRequest =>
    // Two are enough: one that is ours, or one that shows that the filter is ignored.
    read(path, { client_id: keyHeader(call.key), limit: "2" });
  switch (operation.type) {
    case "chat.send":
      return {
        request: searched(`chats/${idSegment("chat", operation.chat)}/messages`),
        schema: shapes.messageTraces,
        asked: { author: by.name, content: operation.content },
        task: null,
      };
    case "task.comment":
      return {
        request: searched(`tasks/${idSegment("task", operation.task)}/comments`),
        schema: shapes.commentTraces,
        asked: { author: by.name, content: operation.content },
        task: null,
      };
    case "task.create":
      return {
        request: searched("tasks"),
        schema: shapes.taskTraces,
        asked: askedTask(operation),
        task: null,
      };
    case "task.take":
    case "task.status":
    case "task.complete":
    case "task.update":
      return {
        request: searched(`tasks/${idSegment("task", operation.task)}/changes`),
        schema: shapes.changeTraces,
        asked: askedChange(call),
        task: operation.task,
      };
    default:
      return null;
  }
}

// An old board keeps no record of changes. A task that is as we asked for needs no second change,
// whoever made the first. One that is not may have been changed since, and to repeat ours would undo
// what somebody did: that is for a person to decide.
async function lookAtState(
  client: HttpClient,
  call: TrackerCall,
  context: RefusalContext,
  change: { readonly task: string; readonly asked: JsonObject },
): Promise<Receipt | null> {
  const request = read(`tasks/${idSegment("task", change.task)}`, {});
  const answer = await client(request, call.signal);
  if (saysTargetIsMissing(answer)) {
    return null;
  }
  if (lacksRoute(answer)) {
    return cannotTell(request, context, `it answers ${answer.status}`);
  }
  if (answer.status >= 300) {
    throw refusal(answer, request, context);
  }
  const found = answerJson(shapes.task, answer, request, context.url);
  return isAsAsked(found, change.asked)
    ? { id: change.task, at: found.at, repeated: true, data: null }
    : cannotTell(request, context, "it keeps no record of changes, and the task is not as asked");
}

// Only a board that says so in its own words: a bare 404 may as well mean that there is no such route.
function saysTargetIsMissing(answer: HttpAnswer): boolean {
  const { code } = serverSaid(answer.text);
  return answer.status === 404 && (code === "CHAT_NOT_FOUND" || code === "TASK_NOT_FOUND");
}

function lacksRoute(answer: HttpAnswer): boolean {
  return [400, 404, 405, 410, 422, 501].includes(answer.status);
}

function isAsAsked(task: BoardTask, asked: JsonObject): boolean {
  const { add_labels: added = [], remove_labels: removed = [], ...fields } = asked;
  const has = (label: Json): boolean => typeof label === "string" && task.labels.includes(label);
  const { title, description, status, assignedTo } = task;
  return (
    says({ says: { title, description, status, assigned_to: assignedTo } }, fields) &&
    listOf(added).every(has) &&
    !listOf(removed).some(has)
  );
}

function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

// What the board does not show proves nothing against us; it may trim or compose what it stores.
function says(trace: Pick<Trace, "says">, asked: JsonObject): boolean {
  return Object.entries(asked).every(([name, value]) => {
    const said = trace.says[name];
    return said === undefined || plain(said) === plain(value);
  });
}

function plain(value: Json): string {
  return typeof value === "string"
    ? JSON.stringify(value.toWellFormed().normalize("NFC").trim())
    : JSON.stringify(value);
}

function cannotTell(request: HttpRequest, context: RefusalContext, reason: string): never {
  throw new WaybillError(
    "TRACKER_LOOKUP_UNSUPPORTED",
    `The Tracker at ${context.url} cannot tell whether the call was done: asked at /${request.path}, ${reason}. Look at the board, then redrive or give up the operation.`,
    { details: { url: context.url, path: request.path, reason } },
  );
}

/** The board did something else under this key, so that this call can never be done under it. */
export function keyReused(call: TrackerCall, context: RefusalContext): WaybillError {
  return new WaybillError(
    "KEY_REUSED",
    `The key ${call.key} stands for something else at the Tracker at ${context.url}: this call was not done and cannot be done under it. Ask for it again as a new operation.`,
    { details: { url: context.url, key: call.key, operation: call.operation.type } },
  );
}
