import { describe, expect, test } from "vitest";
import { limits } from "../../shared/contracts/limits.ts";
import { hashForm, type InboundHashForm } from "../../shared/contracts/webhook-forms.ts";
import type { Connection } from "../../shared/core/connections/ports.ts";
import { makeFormMemory, type SettledForm } from "../../shared/core/inbound/settled-form.ts";
import type { SignatureForm } from "../../shared/core/providers/provider-pack.ts";

const { signal } = new AbortController();

/** The webhooks of one connection, whose item is updated as the config table is. */
function setUp({ hashForms = hashForm.options as readonly InboundHashForm[], fails = false } = {}) {
  let settledForm: SettledForm | undefined;
  const stored: SettledForm[] = [];
  const makeInstance = () => {
    const memory = makeFormMemory(async (_, settled) => {
      if (fails) throw new Error("the table does not answer");
      stored.push(settled);
      settledForm = settled;
    });
    const connection = () =>
      ({
        connectionId: "cn_1",
        settings: { hashForms },
        ...(settledForm ? { settledForm } : {}),
      }) as unknown as Connection;
    return {
      encoding: () => memory.encodingOf(connection()),
      note: (form: SignatureForm, encoding?: string) =>
        memory.observe(
          connection(),
          { kind: "verified", form, ...(encoding ? { encoding } : {}) },
          signal,
        ),
    };
  };
  return { stored, makeInstance };
}

type Instance = ReturnType<ReturnType<typeof setUp>["makeInstance"]>;

async function noteTimes(instance: Instance, count: number, form: SignatureForm, encoding = form) {
  for (let index = 0; index < count; index++) await instance.note(form, encoding);
}

const { settledFormWebhooks: enough } = limits;

describe("A form is settled", () => {
  test("after as many webhooks of it as the limit, by one write", async () => {
    const { stored, makeInstance } = setUp();
    const instance = makeInstance();
    await noteTimes(instance, enough - 1, "json");
    expect(stored).toEqual([]);
    expect(await instance.note("json", "plain sent")).toEqual({ isUnsettled: true });
    expect(stored).toEqual([{ form: "json", encoding: "plain sent" }]);
    await noteTimes(instance, 3 * enough, "json");
    expect(stored).toHaveLength(1);
    expect(await instance.note("json")).toEqual({ isUnsettled: false });
  });

  test("for an instance that starts later, which tries the stored encoding first", async () => {
    const { stored, makeInstance } = setUp();
    await noteTimes(makeInstance(), enough, "python", "python sorted" as never);
    const later = makeInstance();
    expect(later.encoding()).toBe("python sorted");
    expect(await later.note("python", "python sorted")).toEqual({ isUnsettled: false });
    expect(stored).toHaveLength(1);
  });

  test("not while webhooks of two forms alternate", async () => {
    const { stored, makeInstance } = setUp();
    const instance = makeInstance();
    for (let index = 0; index < enough; index++) {
      await instance.note("raw");
      expect(await instance.note("jwt")).toEqual({ isUnsettled: true });
    }
    expect(stored).toEqual([]);
  });

  test("never where a person has pinned the connection to one form, or the signature is in a header", async () => {
    const pinned = setUp({ hashForms: ["raw"] });
    const instance = pinned.makeInstance();
    await noteTimes(instance, 2 * enough, "raw");
    expect(await instance.note("raw")).toEqual({ isUnsettled: false });
    const { stored, makeInstance } = setUp();
    const other = makeInstance();
    await noteTimes(other, 2 * enough, "header");
    expect(await other.note("header")).toEqual({ isUnsettled: false });
    expect([...pinned.stored, ...stored]).toEqual([]);
  });
});

test("A webhook in another form than the settled one is reported, and settles its own form when there are enough", async () => {
  const { stored, makeInstance } = setUp();
  const instance = makeInstance();
  await noteTimes(instance, enough, "raw");
  expect(await instance.note("jwt")).toEqual({ isUnsettled: true, differsFrom: "raw" });
  expect(await instance.note("raw")).toEqual({ isUnsettled: false });
  await noteTimes(instance, enough, "jwt");
  expect(stored.map(({ form }) => form)).toEqual(["raw", "jwt"]);
  expect(await instance.note("jwt")).toEqual({ isUnsettled: false });
});

test("A form that cannot be stored is no failure of the webhook, and is stored later", async () => {
  const { makeInstance } = setUp({ fails: true });
  const instance = makeInstance();
  await noteTimes(instance, enough - 1, "raw");
  expect(await instance.note("raw")).toEqual({
    isUnsettled: true,
    error: new Error("the table does not answer"),
  });
  expect(await instance.note("raw")).toEqual({ isUnsettled: true });
});
