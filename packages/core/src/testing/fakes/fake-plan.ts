import type { RunHandle, RunPlan, RunSpec } from "../../ports/run-plan.ts";

/** Where a run's records would be, if a fake had any: no path of it exists. */
export function fakeHandle({ owner, sessionId, runId, epoch }: RunSpec): RunHandle {
  const place = runPlace({ sessionId, runId });
  const launch = { host: `${place}/launch`, at: "/waybill/launch" };
  return { owner, sessionId, runId, epoch, control: `${place}/control`, launch };
}

/** The plan of a run: its paths tell runs and sessions apart, and nothing lies there. */
export function fakePlan(spec: RunSpec): RunPlan {
  const place = runPlace(spec);
  const stream = (name: string): RunPlan["stdin"] => ({
    host: `${place}/${name}`,
    at: `/waybill/${name}`,
  });
  const workspace = `/nowhere/${spec.sessionId}/workspace`;
  return {
    ...fakeHandle(spec),
    protocol: spec.protocol,
    user: null,
    folders: [{ host: workspace, at: "/workspace", write: true }],
    env: {},
    cwd: "/workspace",
    stdin: stream("stdin"),
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    ...(spec.lease === undefined ? {} : { lease: { ...spec.lease, file: stream("lease") } }),
  };
}

function runPlace({ sessionId, runId }: Pick<RunSpec, "sessionId" | "runId">): string {
  return `/nowhere/${sessionId}/runs/${runId}`;
}
