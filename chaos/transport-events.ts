/** The name of an agent's notes in its state folder: one line for each time that it began. */
export const startsFile = "starts";

/** The text of the event with this number: every fiftieth is 50 KB long. */
export function eventText(number: number): string {
  const text = `event ${number} `;
  return number % 50 === 0 ? text.padEnd(50_000, "–Ж0 ") : text;
}
