/** The name of the file with this sequence number: 16 digits, so that names sort as numbers do. */
export function sequenceName(seq: number): string {
  return `${String(seq).padStart(16, "0")}.json`;
}

/** The sequence number in a file's name, or null where the name has none. */
export function readSequenceName(name: string): number | null {
  if (!/^\d{16}\.json$/.test(name)) {
    return null;
  }
  const seq = Number(name.slice(0, 16));
  return Number.isSafeInteger(seq) && seq > 0 ? seq : null;
}
