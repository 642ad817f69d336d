import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the API is that of the fixture server, or of the server named by TOCSIN_URL.
const target = process.env["TOCSIN_URL"] ?? "http://127.0.0.1:8089";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022", manifest: true, sourcemap: false, chunkSizeWarningLimit: 900,
    // Small files would become data: addresses, which the Content-Security-Policy does not allow for scripts and fonts.
    assetsInlineLimit: 0, modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target, secure: false } } },
});
