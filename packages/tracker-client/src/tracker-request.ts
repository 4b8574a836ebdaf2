import { WaybillError } from "@waybill/core";
import type { JsonObject, TrackerCall } from "@waybill/core";
import type { HttpRequest } from "./http-client.ts";
import { idSegment, keyHeader } from "./tracker-id.ts";

/** The operation as the REST request that the old Tracker knew, or one of the new ones beside it. */
export function trackerRequest(call: TrackerCall, clientIds: boolean): HttpRequest {
  const { operation, by } = call;
  const created = clientIds ? { client_id: call.key } : {};
  switch (operation.type) {
    case "chat.send":
      return write("POST", `chats/${idSegment("chat", operation.chat)}/messages`, call, {
        sender_type: "agent",
        sender_name: by.name,
        content: operation.content.toWellFormed(),
        ...created,
      });
    case "task.comment":
      return write("POST", `tasks/${idSegment("task", operation.task)}/comments`, call, {
        author: by.name,
        content: operation.content.toWellFormed(),
        ...created,
      });
    case "task.take":
    case "task.status":
    case "task.complete":
    case "task.update":
      return write("PATCH", `tasks/${idSegment("task", operation.task)}`, call, askedChange(call));
    case "task.create":
      return write("POST", "tasks", call, { ...askedTask(operation), ...created });
    case "chat.read":
      return read(`chats/${idSegment("chat", operation.chat)}/messages`, {
        ...(operation.after === undefined ? {} : { after: idSegment("message", operation.after) }),
        ...(operation.limit === undefined ? {} : { limit: atMost(operation.limit) }),
      });
    case "task.list":
      return read("tasks", {
        ...(operation.status === undefined ? {} : { status: operation.status }),
        ...(operation.assignedTo === undefined ? {} : { assigned_to: operation.assignedTo }),
        ...(operation.label === undefined ? {} : { label: operation.label }),
      });
    case "task.get":
      return read(`tasks/${idSegment("task", operation.task)}`, {});
    default:
      throw new TypeError(`${JSON.stringify(operation satisfies never)} is no operation.`);
  }
}

/** What a new task shall be, in the board's own words; without what may be left to the board. */
export function askedTask(
  operation: Extract<TrackerCall["operation"], { readonly type: "task.create" }>,
): JsonObject {
  const { title, description, status, assignedTo, labels } = operation;
  return {
    title: title.toWellFormed(),
    ...(description === undefined ? {} : { description: description.toWellFormed() }),
    ...(status === undefined ? {} : { status }),
    ...(assignedTo === undefined ? {} : { assigned_to: assignedTo }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** What a change of a task asks for, in the board's own words. */
export function askedChange(call: TrackerCall): JsonObject {
  const { operation, by } = call;
  switch (operation.type) {
    case "task.take":
      return { status: "in_progress", assigned_to: by.slug };
    case "task.status":
      return { status: operation.status };
    case "task.complete":
      return { status: "done" };
    case "task.update":
      return askedUpdate(operation);
    default:
      throw new TypeError(`${operation.type} changes no task.`);
  }
}

function askedUpdate(
  operation: Extract<TrackerCall["operation"], { readonly type: "task.update" }>,
): JsonObject {
  const { title, description, assignedTo, addLabels, removeLabels } = operation;
  const asked = {
    ...(title === undefined ? {} : { title: title.toWellFormed() }),
    ...(description === undefined ? {} : { description: description.toWellFormed() }),
    ...(assignedTo === undefined ? {} : { assigned_to: assignedTo }),
    ...(addLabels === undefined ? {} : { add_labels: addLabels }),
    ...(removeLabels === undefined ? {} : { remove_labels: removeLabels }),
  };
  if (Object.keys(asked).length > 0) {
    return asked;
  }
  throw new WaybillError(
    "TRACKER_UPDATE_EMPTY",
    `The update of task ${operation.task} changes nothing: give a title, a description, an assignee or labels.`,
    { details: { task: operation.task } },
  );
}

/** A request that only asks. */
export function read(path: string, query: Readonly<Record<string, string>>): HttpRequest {
  return { method: "GET", path: `api/v1/${path}`, query };
}

function write(
  method: "POST" | "PATCH",
  path: string,
  call: TrackerCall,
  body: JsonObject,
): HttpRequest {
  return { method, path: `api/v1/${path}`, body, key: keyHeader(call.key) };
}

function atMost(limit: number): string {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new WaybillError(
      "TRACKER_LIMIT_INVALID",
      `${String(limit)} cannot be a limit: ask for 1 to 1000 messages.`,
      { details: { limit: String(limit) } },
    );
  }
  return String(limit);
}
