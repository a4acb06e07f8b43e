import { Button, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { useClock } from "../api/clock.tsx";

/** A filter of a list. Its value is in the page's address, so that the view can be linked to. */
export type Filter = { name: string; label: string } & (
  | { kind: "text"; placeholder?: string }
  | { kind: "choice"; choices: readonly string[] | readonly { value: string; label: string }[] }
  | { kind: "since" }
);

const periods = [
  { value: "15m", label: "15 minutes", ms: 900_000 },
  { value: "1h", label: "1 hour", ms: 3_600_000 },
  { value: "24h", label: "24 hours", ms: 86_400_000 },
  { value: "7d", label: "7 days", ms: 604_800_000 },
] as const;

/** Reads the filters' values from the address; a period becomes the time at which it begins. */
export function useFilters<Name extends string>(
  filters: readonly (Filter & { name: Name })[],
): Partial<Record<Name, string>> {
  const [search] = useSearchParams();
  const { businessNowMs } = useClock();
  const values: Partial<Record<Name, string>> = {};
  for (const { name, kind } of filters) {
    const value = search.get(name);
    if (value === null || value === "") continue;
    values[name] = kind === "since" ? beginning(value, businessNowMs()) : value;
  }
  return values;
}

/** To the full minute, so that the query stays the same for a while. */
function beginning(period: string, nowMs: number): string {
  const ms = periods.find(({ value }) => value === period)?.ms;
  if (ms === undefined) return period;
  return new Date(Math.floor((nowMs - ms) / 60_000) * 60_000).toISOString();
}

export function Filters({ filters }: { filters: readonly Filter[] }) {
  const [search, setSearch] = useSearchParams();
  const set = (name: string, value: string | null) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === null || value === "") next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const isFiltered = filters.some(({ name }) => search.has(name));
  return (
    <Group gap="sm" align="flex-end" mb="md" role="search" aria-label="Filters">
      {filters.map((filter) => (
        <Field
          key={filter.name}
          filter={filter}
          value={search.get(filter.name) ?? ""}
          set={(value) => set(filter.name, value)}
        />
      ))}
      {isFiltered && (
        <Button
          variant="subtle"
          size="sm"
          onClick={() => setSearch(new URLSearchParams(), { replace: true })}
        >
          Clear
        </Button>
      )}
    </Group>
  );
}

/** A text is searched for once its writer pauses. */
const PAUSE_MS = 400;

function Field({
  filter,
  value,
  set,
}: {
  filter: Filter;
  value: string;
  set: (value: string | null) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const setLater = useDebouncedCallback(set, PAUSE_MS);
  if (filter.kind === "text") {
    return (
      <TextInput
        label={filter.label}
        placeholder={filter.placeholder ?? "any"}
        value={text}
        w={190}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value);
          setLater(currentTarget.value.trim());
        }}
      />
    );
  }
  return (
    <Select
      label={filter.label}
      placeholder="any"
      w={filter.kind === "since" ? 130 : 170}
      clearable
      data={filter.kind === "since" ? [...periods] : [...filter.choices]}
      value={value === "" ? null : value}
      onChange={set}
    />
  );
}
