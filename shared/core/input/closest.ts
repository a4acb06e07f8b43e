/** Longer texts are compared up to here: the cost is bounded whatever is sent. */
const MAX_COMPARED = 200;

/** Names with more different letters have nothing in common. */
const MAX_EDITS = 3;

/** The number of letters to insert, remove or replace to get from one text to the other (Levenshtein). */
export function editsBetween(one: string, other: string): number {
  const [a, b] = [one.slice(0, MAX_COMPARED), other.slice(0, MAX_COMPARED)];
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const [i, letter] of a.split("").entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + Number(letter !== b[j - 1]);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * Returns the known name that was probably meant: the same letters in another case or
 * with other separators, or at most a third of the letters different.
 */
export function closest(name: string, known: readonly string[]): string | undefined {
  const given = lettersOf(name.slice(0, MAX_COMPARED));
  const ranked = known
    .filter((candidate) => Math.abs(lettersOf(candidate).length - given.length) <= MAX_EDITS)
    .map((candidate) => ({ candidate, edits: editsBetween(given, lettersOf(candidate)) }))
    .filter(({ edits }) => edits <= Math.min(MAX_EDITS, given.length / 3))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}

function lettersOf(name: string): string {
  return name.replaceAll(/[-_.\s]/g, "").toLowerCase();
}
