import type { Tracker, TrackerCall } from "@waybill/core";

/** The smallest Tracker that remembers keys. */
export function recordingTracker(options: { readonly delayed?: boolean } = {}): Tracker {
  const done = new Map<string, TrackerCall>();
  let late = options.delayed === true;
  return {
    capabilities: { idempotencyKeys: true, keysKeptMs: null },
    check: async () => {},
    async perform(call) {
      const repeated = done.has(call.key);
      done.set(call.key, call);
      if (late) {
        late = false;
        await new Promise(() => {});
      }
      return { id: call.key, at: null, repeated, data: null };
    },
    lookup: async () => null,
    close: async () => {},
  };
}
