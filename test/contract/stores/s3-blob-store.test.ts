import { createServer } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { closeServer, listen } from "../../../local/loopback.ts";
import { makeS3BlobStore } from "../../../shared/adapters/s3/s3-blob-store.ts";
import type { BlobStore } from "../../../shared/core/inbound/ports.ts";

/** What the bucket holds, and what its policy allows, as S3 answers for it. */
let objects: Map<string, string>;
let mayList: { countsForGet: boolean; list: boolean };
let mayGet: boolean;

const errorXml = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const answer = (status: number, body: string) => {
    response.writeHead(status, { "content-type": "application/xml" });
    response.end(body);
  };
  if (url.searchParams.has("list-type")) {
    if (!mayList.list) return answer(403, errorXml("AccessDenied"));
    const prefix = url.searchParams.get("prefix") ?? "";
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).slice(0, 1);
    return answer(200, `<ListBucketResult>${contents.join("")}</ListBucketResult>`);
  }
  const key = decodeURIComponent(url.pathname).split("/").slice(2).join("/");
  const found = objects.get(key);
  if (!mayGet) return answer(403, errorXml("AccessDenied"));
  if (found !== undefined) return answer(200, found);
  return mayList.countsForGet
    ? answer(404, errorXml("NoSuchKey"))
    : answer(403, errorXml("AccessDenied"));
});
let store: BlobStore;
beforeAll(async () => {
  const config = { ...localAws(`http://${await listen(server, 0)}`), maxAttempts: 1 };
  store = makeS3BlobStore({ bucket: "bucket", config: { ...config, forcePathStyle: true } });
});
afterAll(() => closeServer(server));
beforeEach(() => {
  objects = new Map([["deliveries/dl_1/b", "the body"]]);
  mayList = { countsForGet: true, list: true };
  mayGet = true;
});

test("A stored body is read", async () => {
  expect(Buffer.from(await store.get("deliveries/dl_1/b")).toString()).toBe("the body");
});

test("A body that S3 answers 404 for is gone", async () => {
  await expect(store.get("deliveries/dl_1/a")).rejects.toMatchObject({ code: "BODY_GONE" });
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: 403 without s3:ListBucket.
test("A body that S3 answers 403 for is gone when the list of its key is empty", async () => {
  mayList = { countsForGet: false, list: true };
  await expect(store.get("deliveries/dl_1/a")).rejects.toMatchObject({ code: "BODY_GONE" });
});

test("A body that exists and may not be read is an outage, and so is one whose key may not be listed", async () => {
  mayGet = false;
  await expect(store.get("deliveries/dl_1/b")).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  mayList = { countsForGet: false, list: false };
  await expect(store.get("deliveries/dl_1/a")).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
});
