import type { TrackerOperation } from "../../ports/tracker.ts";
import type { TaskFacts } from "../../ports/tracker-event.ts";

/** The operations that change a task. */
export type TaskChange = Extract<
  TrackerOperation,
  { readonly type: "task.take" | "task.status" | "task.complete" | "task.update" }
>;

/** The task as it is after an agent changed it. */
export function changedTask(
  task: TaskFacts | undefined,
  operation: TaskChange,
  agent: string,
): TaskFacts {
  const old = task ?? newTask({ id: operation.task, title: operation.task });
  switch (operation.type) {
    case "task.take":
      return { ...old, status: "in_progress", assignedTo: agent };
    case "task.status":
      return { ...old, status: operation.status };
    case "task.complete":
      return { ...old, status: "done" };
    case "task.update": {
      const { title, description, assignedTo, addLabels = [], removeLabels = [] } = operation;
      const gone = new Set([...addLabels, ...removeLabels]);
      return {
        ...old,
        ...(title === undefined ? {} : { title }),
        ...(description === undefined ? {} : { description }),
        ...(assignedTo === undefined ? {} : { assignedTo }),
        labels: [...old.labels.filter((label) => !gone.has(label)), ...addLabels],
      };
    }
  }
}

/** A task with what is given of it. */
export function newTask(given: {
  readonly id: string;
  readonly title: string;
  readonly description?: string;
  readonly status?: string;
  readonly assignedTo?: string;
  readonly labels?: readonly string[];
}): TaskFacts {
  const { id, title, description = "", status = "todo", assignedTo = null, labels = [] } = given;
  return { id, title, description, status, assignedTo, labels };
}
