/** Runs `run` for each, at most so many at once, in order of their beginning. The first fault ends the wait. */
export async function forEachConcurrent<Item>(
  items: readonly Item[],
  atOnce: number,
  run: (item: Item) => Promise<unknown> | unknown,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
