/** Limits that the kernel holds each process of a run to; left out, the host's own hold. */
export interface ResourceLimits {
  /** The largest file that it may write, in bytes, rounded down to 512. */
  readonly fileBytes?: number;
  /** Files that it may have open at once. */
  readonly openFiles?: number;
  /** Processor time, in seconds. */
  readonly cpuSeconds?: number;
  /**
   * Address space, in bytes, rounded down to 1024. Not for programs of Node's: they reserve far more
   * than they use. Limit those by their own options.
   */
  readonly addressBytes?: number;
}

/** The limits as arguments of POSIX `ulimit`. No run leaves core files, which would hold its secrets. */
export function limitArguments(limits: ResourceLimits): string[] {
  const asked: [string, number | undefined, number][] = [
    ["-f", limits.fileBytes, 512],
    ["-n", limits.openFiles, 1],
    ["-t", limits.cpuSeconds, 1],
    ["-v", limits.addressBytes, 1024],
  ];
  const words = asked.flatMap(([flag, amount, unit]) =>
    amount === undefined ? [] : [`${flag} ${Math.floor(amount / unit)}`],
  );
  return ["-c 0", ...words];
}
