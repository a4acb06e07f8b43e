import { expect, test } from "vitest";
import { makeBlobTextStore } from "../../../shared/adapters/s3/blob-text-store.ts";
import { limits } from "../../../shared/contracts/limits.ts";
import { makeMemoryBlobStore } from "../../support/memory/memory-blob-store.ts";

const bodies = makeMemoryBlobStore();
const texts = makeBlobTextStore({ bodies, area: "requests" });

test("A text is stored inline up to the limit in bytes, and in the bucket above it", async () => {
  const most = "ü".repeat(limits.maxInlineBytes / 2);
  expect(await texts.store("rq_1", most)).toEqual({ inline: most });
  const more = `${most}x`;
  const kept = await texts.store("rq_1", more);
  expect(kept).toEqual({ key: expect.stringMatching(/^requests\/rq_1\/[0-9a-f]{64}$/) });
  expect(await texts.open(kept)).toBe(more);
  expect(await texts.open({ inline: most })).toBe(most);
});

test("The key of a stored text depends on its request and its content only", async () => {
  const text = (end: string) => "x".repeat(limits.maxInlineBytes) + end;
  const first = await texts.store("rq_2", text("a"));
  expect(await texts.store("rq_2", text("a"))).toEqual(first);
  expect(await texts.store("rq_2", text("b"))).not.toEqual(first);
  expect(await texts.store("rq_3", text("a"))).not.toEqual(first);
});
