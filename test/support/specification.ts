import { expect, test } from "vitest";

/**
 * A document of the specification as tests: one for each of its sentences,
 * named as the sentence.
 */
export function makeSpecification<Sentence extends string>(sentences: readonly Sentence[]) {
  const untested = new Set<Sentence>(sentences);
  return {
    says(sentence: Sentence, show: () => void | Promise<void>): void {
      untested.delete(sentence);
      test(sentence, show);
    },

    everySentenceHasItsTest(): void {
      test("every sentence of the table has its test", () => {
        expect([...untested]).toEqual([]);
        expect(sentences.length).toBeGreaterThan(0);
      });
    },
  };
}
