import type { Reporter, TestSpecification, Vitest } from "vitest/node";

/** Minutes on two idle cores: measured on 2026-12-01. */
const minutes: Readonly<Record<string, string>> = { run: "10 to 12", long: "6 to 7" };

/** Prints how long a whole suite takes before it starts. */
export class Announcement implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunStart(files: readonly TestSpecification[]): Promise<void> {
    const all = (await this.#vitest?.globTestSpecifications()) ?? [];
    if (files.length < all.length) return;
    const names = new Set(files.map(({ project }) => project.name));
    const took = Object.entries(minutes).flatMap(([name, range]) => (names.has(name) ? range : []));
    console.log(` ${files.length} files: ${took.join(" and ")} minutes on two idle cores\n`);
  }
}
