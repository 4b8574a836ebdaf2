import type { Receipt, TrackerOperation } from "@waybill/core";
import { answerJson, unreadable } from "./answer-json.ts";
import { shapes } from "./board-shapes.ts";
import type { HttpAnswer, HttpRequest } from "./http-client.ts";

/** The receipt in a 2xx. Throws `TRACKER_ANSWER_UNREADABLE` where there is none. */
export function receiptOf(
  operation: TrackerOperation,
  answer: HttpAnswer,
  request: HttpRequest,
  url: string,
): Receipt {
  switch (operation.type) {
    case "chat.send":
    case "task.create":
    case "task.comment": {
      const { id, at } = answerJson(shapes.written, answer, request, url);
      return { id, at, repeated: answer.replayed, data: null };
    }
    case "task.take":
    case "task.status":
    case "task.complete":
    case "task.update":
      return changeReceipt(operation.task, answer, request, url);
    case "chat.read":
      return told({ messages: answerJson(shapes.messages, answer, request, url) });
    case "task.list":
      return told({ tasks: answerJson(shapes.tasks, answer, request, url) });
    case "task.get":
      return told({ task: answerJson(shapes.task, answer, request, url) });
  }
}

// A PATCH may be answered without a body (204): the status says that it was done, and the id of what
// was changed is the one that was asked for. A body that speaks of another task says neither.
function changeReceipt(
  task: string,
  answer: HttpAnswer,
  request: HttpRequest,
  url: string,
): Receipt {
  if (answer.text.trim() === "") {
    return { id: task, at: null, repeated: answer.replayed, data: null };
  }
  const changed = answerJson(shapes.task, answer, request, url);
  if (changed.id !== task) {
    throw unreadable(request, url, answer.status, `it speaks of the task ${changed.id}`);
  }
  return { id: task, at: changed.at, repeated: answer.replayed, data: null };
}

function told(data: Receipt["data"]): Receipt {
  return { id: null, at: null, repeated: false, data };
}
