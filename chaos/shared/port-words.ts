/** What goes over the wire between a fake machine and the orchestrators that use it, a line each. */
export type PortRequest =
  | {
      readonly id: number;
      readonly part: "transport" | "mailbox";
      readonly method: string;
      readonly args: readonly unknown[];
    }
  /** Asks an iteration for its next item; that the last one was asked past says it is recorded. */
  | { readonly id: number; readonly next: true }
  | { readonly id: number; readonly cancel: true };

export type PortReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly done: true }
  | { readonly id: number; readonly failure: PortFailure };

export interface PortFailure {
  readonly code: string;
  readonly message: string;
}

/** The methods whose answer is an iteration; its signal is aborted by `cancel`. */
export const iterations: ReadonlySet<string> = new Set(["watch", "receive"]);
