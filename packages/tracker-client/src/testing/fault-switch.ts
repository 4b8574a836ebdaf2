import * as z from "zod";

/** Something that the board does wrong on purpose. */
export type Fault = FaultTarget &
  (
    | {
        /** Answers with this status and does nothing. */
        readonly do: "status";
        readonly status: number;
        /** The `Retry-After` header: seconds, or an HTTP-date. */
        readonly retryAfter?: number | string;
        /** More headers, for example `location`. */
        readonly headers?: Readonly<Record<string, string>>;
        /** The body as text. Default: an error with the code `FAULT`. */
        readonly body?: string;
      }
    /** Cuts the connection before or after the commit, without an answer. */
    | { readonly do: "drop"; readonly when: "before" | "after" }
    /** Waits before or after the commit, then goes on, also if the client has gone. */
    | { readonly do: "delay"; readonly when: "before" | "after"; readonly ms: number }
    /** Commits and answers 200 with something that no Tracker says. */
    | { readonly do: "garbage" }
    /** Takes the request as if it had no Idempotency-Key. */
    | { readonly do: "ignore_keys" }
    /** To followers: sends an event twice, swaps it with the next one, or cuts off after it. */
    | { readonly do: "duplicate_event" | "reorder_event" | "cut_events" }
  );

/** Which requests a fault hits. */
export interface FaultTarget {
  /** Default: any method. */
  readonly method?: string;
  /**
   * A path in which `:name` stands for any one segment, for example `/api/v1/chats/:chat/messages`;
   * what lies below it is hit too. Default: any.
   */
  readonly route?: string;
  /** How many requests it hits before it is used up; null: until it is cleared. Default: 1. */
  readonly times?: number | null;
  /** How likely it hits a request that matches, from 0 to 1. Default: 1. */
  readonly chance?: number;
}

/** The board's faults. All that hit a request take effect together, in the order of its handling. */
export interface FaultSwitch {
  /** Sets faults beside those that are set already. */
  add(...faults: readonly Fault[]): void;
  /** Takes all faults away. */
  clear(): void;
  /** What is set, with the `times` that are left. */
  list(): readonly Fault[];
}

const target = {
  method: z.string().exactOptional(),
  route: z.string().startsWith("/").exactOptional(),
  times: z.int().positive().nullable().exactOptional(),
  chance: z.number().min(0).max(1).exactOptional(),
};
const when = z.enum(["before", "after"]);

/** The schema of a fault: what `POST /__faults` and the header `Waybill-Fault` take. */
export const faultSchema: z.ZodType<Fault> = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("status"),
    status: z.int().min(200).max(599),
    retryAfter: z.union([z.number(), z.string()]).exactOptional(),
    headers: z.record(z.string(), z.string()).exactOptional(),
    body: z.string().exactOptional(),
    ...target,
  }),
  z.strictObject({ do: z.literal("drop"), when, ...target }),
  z.strictObject({ do: z.literal("delay"), when, ms: z.number().min(0).max(600_000), ...target }),
  z.strictObject({ do: z.literal("garbage"), ...target }),
  z.strictObject({ do: z.literal("ignore_keys"), ...target }),
  z.strictObject({ do: z.enum(["duplicate_event", "reorder_event", "cut_events"]), ...target }),
]);

/** A switch; `hits` uses faults up for one request, `eventHits` for one event that is told. */
export function faultSwitch(random: () => number): {
  readonly faults: FaultSwitch;
  readonly hits: (method: string, path: string) => readonly Fault[];
  readonly eventHits: () => readonly Fault[];
} {
  let set: { fault: Fault; left: number }[] = [];
  const use = (isMeant: (fault: Fault) => boolean): readonly Fault[] => {
    const hit = set.filter(({ fault }) => isMeant(fault) && random() < (fault.chance ?? 1));
    for (const entry of hit) {
      entry.left -= 1;
    }
    set = set.filter(({ left }) => left > 0);
    return hit.map(({ fault }) => fault);
  };
  return {
    faults: {
      add: (...faults) => {
        const checked = faults.map((fault) => faultSchema.parse(fault));
        set.push(...checked.map((fault) => ({ fault, left: timesOf(fault) })));
      },
      clear: () => {
        set = [];
      },
      list: () =>
        set.map(({ fault, left }) => ({ ...fault, times: left === Infinity ? null : left })),
    },
    hits: (method, path) => use((fault) => !isOfEvents(fault) && matches(fault, method, path)),
    eventHits: () => use(isOfEvents),
  };
}

function isOfEvents(fault: Fault): boolean {
  return ["duplicate_event", "reorder_event", "cut_events"].includes(fault.do);
}

function timesOf(fault: Fault): number {
  return fault.times === null ? Infinity : (fault.times ?? 1);
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== method) {
    return false;
  }
  const wanted = fault.route?.split("/") ?? [];
  const given = path.split("/");
  return wanted.every((segment, index) => segment.startsWith(":") || segment === given[index]);
}
