import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { canaryProof } from "../security/canaries.ts";
import { atLeast, atMost, isProven, none, reportOf } from "../security/proof.ts";
import { proveSignatures } from "../security/signatures.ts";
import { proveSsrf } from "../security/ssrf.ts";
import { proveSupplyChain } from "../security/supply-chain.ts";
import { root } from "../support/tree.ts";

describe("the proof of S1", () => {
  test("the proof of S1 finds no connection to a private address, and no refused public one", async () => {
    const proof = await proveSsrf();
    expect(reportOf(proof)).not.toContain("MISS");
    expect(isProven(proof)).toBe(true);
  });

  test("the proof of S1 reports an address that is connected to, and one that is refused", async () => {
    const { figures } = await proveSsrf({ privates: ["1.1.1.1"], publics: ["10.0.0.1"] });
    const values = Object.fromEntries(figures.map(({ name, value }) => [name, value]));
    expect(values["connections to what is not public"]).toBeGreaterThan(0);
    expect(values["public addresses that were refused"]).toBe(2);
  });
});

describe("the proof of S3", () => {
  test("the proof of S3 finds no tampered request that is accepted, and no exception", async () => {
    const proof = await proveSignatures({ requests: 2_000, seed: 7 });
    expect(reportOf(proof)).not.toContain("MISS");
    expect(isProven(proof)).toBe(true);
  });
});

describe("the proof of S5", () => {
  const passed = { status: "passed", title: "it is not found" } as const;
  const canaries = { secrets: 11, bodies: 3, places: 14, characters: 200_000 };
  const canary = "test/integration/secrets-canary.test.ts";
  const hash = "test/specification/hash-verification.test.ts";
  const searched = { ...passed, file: canary, meta: { canaries } };
  const hashes = { ...passed, file: hash, meta: {} };

  test("the proof of S5 needs each of its files, also one whose tests search nothing", () => {
    expect(isProven(canaryProof([searched, hashes]))).toBe(true);
    expect(reportOf(canaryProof([searched]))).toContain(
      `MISS files whose tests did not run: 1 (goal: 0)\n       ${hash}`,
    );
    expect(isProven(canaryProof([searched]))).toBe(false);
  });
});

describe("the proof of S6", () => {
  const lockfile = () =>
    JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages as Record<
      string,
      { hasInstallScript?: boolean; license?: string; integrity?: string }
    >;

  test("the proof of S6 finds few packages, without install scripts, whose licences are allowed", async () => {
    const proof = await proveSupplyChain();
    expect(reportOf(proof)).not.toContain("MISS");
    expect(isProven(proof)).toBe(true);
  });

  test("the proof of S6 reports an install script, a licence and a missing digest", async () => {
    const packages = lockfile();
    packages["node_modules/zod"] = { hasInstallScript: true, license: "AGPL-3.0" };
    const { figures } = await proveSupplyChain(packages);
    const missed = figures.filter(({ isReached }) => !isReached).map(({ name }) => name);
    expect(missed).toEqual(
      expect.arrayContaining([
        "runtime packages with an install script",
        "runtime packages whose licence is not allowed",
        "packages without a digest in the lockfile",
      ]),
    );
  });
});

describe("a figure", () => {
  test("a figure that could not be measured is no proof, unless that is allowed", () => {
    const figures = [atLeast("packages", 1, 1)];
    const proof = { id: "S0", title: "An example", figures, skipped: ["no network"] };
    expect(isProven(proof)).toBe(false);
    expect(isProven(proof, { allowsSkipped: true })).toBe(true);
    expect(isProven({ ...proof, skipped: [] })).toBe(true);
  });

  test("a figure beside its goal is a line, and so are its shortfalls", () => {
    const figures = [atMost("bytes", 70_000, 65_536), none("accepted", ["this", "this", "that"])];
    const proof = { id: "S0", title: "An example", figures, skipped: ["no network"] };
    expect(isProven(proof)).toBe(false);
    expect(reportOf(proof)).toBe(
      [
        "S0 An example",
        "  MISS bytes: 70,000 (goal: at most 65,536)",
        "  MISS accepted: 3 (goal: 0)",
        "       this",
        "       that",
        "  skipped: no network",
      ].join("\n"),
    );
  });
});
