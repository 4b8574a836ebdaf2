import { randomBytes } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentOperation, JsonObject } from "@waybill/core";
import type { OperationOutcome } from "./agent-host.ts";

/** Where an old host looks for what is to be done. */
export interface OldOperationsOptions {
  /** The folder `ipc` of the workspace. */
  readonly folder: string;
  readonly agent: { readonly slug: string; readonly name: string };
}

/** The way of operations to a protocol-0 host. */
export interface OldOperations {
  /** Resolves once the file lies there; what the host does with it, nobody says. */
  write(operation: AgentOperation): Promise<OperationOutcome>;
}

/** Writes operations as the old runner's agent did: one file each, renamed into place. */
export function oldOperations(options: OldOperationsOptions): OldOperations {
  let last = 0;
  return {
    async write(operation) {
      const file = oldFile(operation, options.agent);
      if (file === null) {
        return {
          status: "rejected",
          error: {
            code: "OLD_HOST",
            message:
              "This host answers no questions, asks nobody, and creates and edits no tasks: it only takes the old orders.",
          },
        };
      }
      // Names order the files: a later one never gets an earlier millisecond.
      last = Math.max(last + 1, Date.now());
      const folder = join(options.folder, file.folder);
      const path = join(folder, `${last}-${randomBytes(4).toString("hex")}.json`);
      await mkdir(folder, { recursive: true });
      await writeFile(`${path}.tmp`, JSON.stringify(file.data));
      await rename(`${path}.tmp`, path);
      return { status: "handed_over" };
    },
  };
}

function oldFile(
  operation: AgentOperation,
  agent: OldOperationsOptions["agent"],
): { readonly folder: "messages" | "tasks"; readonly data: JsonObject } | null {
  switch (operation.type) {
    case "chat.send":
      return {
        folder: "messages",
        data: {
          type: "chat_message",
          chat_id: operation.chat,
          content: operation.content,
          sender_type: "agent",
          sender_name: agent.name,
        },
      };
    case "task.take":
      return task("task_take", { task_id: operation.task, agent_slug: agent.slug });
    case "task.comment":
      return task("task_comment", { task_id: operation.task, content: operation.content });
    case "task.status":
      return task("task_status", { task_id: operation.task, status: operation.status });
    case "task.complete":
      return task("task_complete", { task_id: operation.task });
    case "chat.read":
    case "task.list":
    case "task.get":
    case "task.create":
    case "task.update":
    case "person.ask":
    case "person.permit":
      return null;
  }
}

function task(
  type: string,
  data: JsonObject,
): { readonly folder: "tasks"; readonly data: JsonObject } {
  return { folder: "tasks", data: { type, ...data } };
}
