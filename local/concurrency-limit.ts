/**
 * Returns a function that runs at most `limit` tasks concurrently; further tasks
 * wait in order. A task must not throw.
 */
export function makeConcurrencyLimit(limit: number) {
  const waiting: (() => void)[] = [];
  let runningCount = 0;
  return async (task: () => Promise<void>): Promise<void> => {
    if (runningCount >= limit) await new Promise<void>((start) => waiting.push(start));
    else runningCount++;
    try {
      await task();
    } finally {
      // The next task takes over this slot, so the count does not change.
      const next = waiting.shift();
      if (next) next();
      else runningCount--;
    }
  };
}
