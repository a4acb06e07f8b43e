import type { Clock } from "../clock.ts";

/** How long an answer is remembered (real time): several pages cost as much as one. */
const TTL_MS = 3_000;

/** Answers that are remembered at the same time. */
const MAX_ANSWERS = 100;

/**
 * Makes a function that returns what was read for a key less than three seconds ago, or else
 * reads it. A read that failed is not remembered.
 */
export function makeMemory<Answer>(clock: Pick<Clock, "realMs">) {
  const remembered = new Map<string, { answer: Promise<Answer>; untilMs: number }>();
  return (key: string, read: () => Promise<Answer>): Promise<Answer> => {
    const known = remembered.get(key);
    if (known && known.untilMs > clock.realMs()) return known.answer;
    const answer = read();
    if (remembered.size > MAX_ANSWERS) remembered.clear();
    remembered.set(key, { answer, untilMs: clock.realMs() + TTL_MS });
    answer.catch(() => remembered.delete(key));
    return answer;
  };
}
