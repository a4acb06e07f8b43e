import { expect, test } from "vitest";

/**
 * A document of the specification as tests: one for each of its sentences,
 * named as the sentence.
 */
export function makeSpecification<Sentence extends string>(sentences: readonly Sentence[]) {
  const untested = new Set<Sentence>(sentences);
  return {
    states(sentence: Sentence, show: () => void | Promise<void>): void {
      untested.delete(sentence);
      test(sentence, show);
    },

    everySentenceHasItsTest(): void {
      test("Every sentence of the specification's list has a test", () => {
        expect([...untested]).toEqual([]);
        expect(sentences.length).toBeGreaterThan(0);
      });
    },
  };
}
