import { chmod, chown, lstat, rename, rm } from "node:fs/promises";
import type { Server } from "node:net";
import path from "node:path";

/**
 * Listens on a unix socket at `file`, mode 0600, and resolves with its inode number. The socket is
 * made under another name and renamed: whoever finds it finds it with its final owner and mode, a
 * dead process's leftover is replaced without a gap, and closing an old server later (which unlinks
 * the name that it was bound to) cannot remove its successor.
 */
export async function listenAt(
  server: Server,
  file: string,
  user: { readonly uid: number; readonly gid: number } | null = null,
): Promise<number> {
  const fresh = path.join(path.dirname(file), ".s");
  await rm(fresh, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(fresh, () => {
      server.off("error", reject);
      resolve();
    });
  });
  try {
    await chmod(fresh, 0o600);
    if (user !== null && !isOwn(user)) await chown(fresh, user.uid, user.gid);
    const { ino } = await lstat(fresh);
    await rename(fresh, file);
    return ino;
  } catch (error) {
    server.close();
    throw error;
  }
}

/** Whether the name still leads to the socket that was bound. */
export async function leadsTo(file: string, ino: number): Promise<boolean> {
  return lstat(file).then(
    (found) => found.ino === ino,
    () => false,
  );
}

function isOwn(user: { readonly uid: number; readonly gid: number }): boolean {
  return user.uid === process.getuid?.() && user.gid === process.getgid?.();
}
