/** Where new names come from. Tests pass a counter; nothing else in core draws random numbers. */
export interface Ids {
  /** A new run's id: see `RunId`. */
  run(): string;
  /** A UUID. */
  uuid(): string;
}
