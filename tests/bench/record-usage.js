// Preloaded into a benched process (node --import): writes what it used, as the operating system counts it, at its end.
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  if (process.env.PERCORSO_USAGE_FILE) {
    writeFileSync(
      process.env.PERCORSO_USAGE_FILE,
      JSON.stringify({ peak_mb: Math.round(maxRSS / 1024), user_s: userCPUTime / 1e6, system_s: systemCPUTime / 1e6 }),
    );
  }
});
