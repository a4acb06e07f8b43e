import { Alert, type CSSVariablesResolver, createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 8 },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // The title in the alert's colour has too little contrast to its background.
    Alert: Alert.extend({ styles: { title: { color: "var(--mantine-color-text)" } } }),
  },
});

/** Darker, or in the dark lighter, than the library's: its dimmed text has too little contrast. */
export const cssVariables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": colors.gray[7],
    "--mantine-color-placeholder": colors.gray[7],
    "--mantine-color-anchor": colors.indigo[8],
    "--mantine-color-error": colors.red[9],
    "--mantine-color-red-text": colors.red[9],
    "--mantine-color-red-outline": colors.red[9],
  },
  dark: {
    "--mantine-color-dimmed": colors.dark[0],
    "--mantine-color-placeholder": colors.dark[1],
    "--mantine-color-anchor": colors.indigo[2],
    "--mantine-color-error": colors.red[4],
  },
});
