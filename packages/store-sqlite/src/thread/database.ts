import type * as Sqlite from "node:sqlite";

/** An open database. */
export type Database = Sqlite.DatabaseSync;

/**
 * Opens a database file.
 *
 * @param waitMs how long to wait for another process's lock.
 */
export function openDatabase(
  path: string,
  options: { readonly readOnly: boolean; readonly waitMs: number },
): Database {
  return new sqlite.DatabaseSync(path, { readOnly: options.readOnly, timeout: options.waitMs });
}

/** A prepared query whose rows come as plain lists, in the order of its columns: half the cost of objects. */
export interface RowQuery {
  /** Three quarters of the cost of `iterate`, for a few rows at once. */
  all(...values: readonly Value[]): readonly Row[];
  iterate(...values: readonly Value[]): Iterable<Row>;
  get(...values: readonly Value[]): Row | undefined;
}

/** The columns of a row, in their order. */
export type Row = readonly unknown[];
type Value = string | number | null;

/** Prepares a query for rows as lists. */
export function prepareRows(db: Database, sql: string): RowQuery {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  // Node's types know rows as objects alone.
  return statement as unknown as RowQuery;
}

/** Runs the work in one transaction, which is undone where it throws. */
export function inTransaction<T>(db: Database, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk makes SQLite roll back by itself.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** The one column of the one row, which must be a number. */
export function numberFrom(row: Readonly<Record<string, unknown>> | undefined): number {
  const [value] = Object.values(row ?? {});
  if (typeof value !== "number")
    throw new TypeError(`SQLite gave ${String(value)} where a number was expected.`);
  return value;
}

/** The one column of the one row, which must be a text. */
export function textFrom(row: Readonly<Record<string, unknown>> | undefined): string {
  const [value] = Object.values(row ?? {});
  if (typeof value !== "string")
    throw new TypeError(`SQLite gave ${String(value)} where a text was expected.`);
  return value;
}

const sqlite = loadQuietly();

/** Some releases of Node warn that `node:sqlite` is experimental: that one warning is left out. */
function loadQuietly(): typeof Sqlite {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).startsWith("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}
