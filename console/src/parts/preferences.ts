import { useLocalStorage } from "@mantine/hooks";

/** What a reader chose for this browser; no secret. */
interface Preferences {
  times: "relative" | "exact";
}

const defaults: Preferences = { times: "relative" };

export function usePreference<Name extends keyof Preferences>(name: Name) {
  return useLocalStorage<Preferences[Name]>({
    key: `ackwire.${name}`,
    defaultValue: defaults[name],
    getInitialValueInEffect: false,
  });
}
