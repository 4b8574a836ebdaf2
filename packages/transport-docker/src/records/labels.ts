import type { RunHandle } from "@waybill/core";

/** The labels by which a container is known as a run, and from which its handle is made again. */
export const label = {
  owner: "waybill.owner",
  session: "waybill.session",
  run: "waybill.run",
  epoch: "waybill.epoch",
  control: "waybill.control",
  launchHost: "waybill.launch.host",
  launchAt: "waybill.launch.at",
  /** What this container's start line writes into the marker: tells it from others of the same run. */
  token: "waybill.token",
  /** The image's name as it was asked for; the container itself is made from the image's id. */
  image: "waybill.image",
} as const;

/** The labels of a run's container. */
export function runLabels(run: RunHandle, token: string, image: string): Record<string, string> {
  return {
    [label.owner]: run.owner,
    [label.session]: run.sessionId,
    [label.run]: run.runId,
    [label.epoch]: String(run.epoch),
    [label.control]: run.control,
    [label.launchHost]: run.launch.host,
    [label.launchAt]: run.launch.at,
    [label.token]: token,
    [label.image]: image,
  };
}

/** The handle that the labels tell of; null where they are not all there. */
export function handleOf(labels: Readonly<Record<string, string>>): RunHandle | null {
  const owner = labels[label.owner];
  const sessionId = labels[label.session];
  const runId = labels[label.run];
  const epoch = labels[label.epoch];
  const control = labels[label.control];
  const host = labels[label.launchHost];
  const at = labels[label.launchAt];
  if (owner === undefined || sessionId === undefined || runId === undefined) return null;
  if (control === undefined || host === undefined || at === undefined) return null;
  if (epoch === undefined || !/^\d{1,15}$/u.test(epoch)) return null;
  return { owner, sessionId, runId, epoch: Number(epoch), control, launch: { host, at } };
}

/** Whether these are the labels of this run, under whichever epoch it was started. */
export function belongsTo(labels: Readonly<Record<string, string>>, run: RunHandle): boolean {
  return (
    labels[label.owner] === run.owner &&
    labels[label.session] === run.sessionId &&
    labels[label.run] === run.runId
  );
}

/** The name of a run's container: the same for every start, so that the engine refuses a second. */
export function containerName(prefix: string, run: RunHandle): string {
  return `${prefix}-${run.runId}`;
}
