/**
 * Processes the entries of an index in order, page by page, while there is time. Each page begins
 * behind the last entry of the one before: what was processed may stay visible in an eventually
 * consistent index, and must not be read again.
 *
 * Rejects when a page cannot be read or `process` rejects.
 */
export async function sweepPages<Entry>(of: {
  /** Returns the entries after the entry `after` (exclusive), at most `pageSize`; fewer are the last ones. */
  readPage: (after: Entry | undefined) => Promise<Entry[]>;
  pageSize: number;
  /** Entries that `process` gets at once. */
  chunkSize: number;
  hasTime: () => boolean;
  process: (entries: Entry[]) => Promise<void>;
}): Promise<void> {
  let after: Entry | undefined;
  while (of.hasTime()) {
    const entries = await of.readPage(after);
    for (let start = 0; start < entries.length && of.hasTime(); start += of.chunkSize) {
      await of.process(entries.slice(start, start + of.chunkSize));
    }
    if (entries.length < of.pageSize) return;
    after = entries.at(-1);
  }
}
