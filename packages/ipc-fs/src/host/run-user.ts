/** The user that a run's process gets, and that owns what it may write. */
export interface RunUser {
  readonly uid: number;
  readonly gid: number;
}

/** This process's user, or null where the platform has none. */
export function hostUser(): RunUser | null {
  return process.getuid === undefined || process.getgid === undefined
    ? null
    : { uid: process.getuid(), gid: process.getgid() };
}
