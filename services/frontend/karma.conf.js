// How `ng test` runs the specs: headless Chromium, reports for the pipeline, and a limit on every wait.
const { readdirSync } = require('node:fs');
const { join } = require('node:path');

const reports = process.env.REPORTS ?? 'reports';

// Coverage counts what some spec imports. A file without a spec would not lower it, so it is told here.
const sources = readdirSync(join(__dirname, 'src/app'), { recursive: true });
const alone = sources.filter(
  (file) =>
    file.endsWith('.ts') &&
    !file.endsWith('.spec.ts') &&
    !sources.includes(file.replace(/\.ts$/, '.spec.ts')),
);
if (alone.length > 0) {
  console.error(
    `No spec beside src/app/${alone.join(', src/app/')}. Write it: coverage misses the file.`,
  );
  process.exit(1);
}

module.exports = (config) => {
  config.set({
    frameworks: ['jasmine'],
    plugins: [
      require('karma-jasmine'),
      require('karma-chrome-launcher'),
      require('karma-coverage'),
      require('karma-junit-reporter'),
    ],
    reporters: ['dots', 'junit'],
    browsers: ['ChromeHeadless'],
    customLaunchers: {
      // Containers grant no namespaces to Chromium's own sandbox and only a small /dev/shm.
      ChromeHeadless: {
        base: 'Chrome',
        flags: ['--headless', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
      },
    },
    coverageReporter: {
      dir: reports,
      reporters: [
        { type: 'text' },
        { type: 'cobertura', subdir: '.', file: 'coverage.xml' },
        { type: 'lcovonly', subdir: '.', file: 'lcov.info' },
      ],
    },
    junitReporter: { outputDir: reports, outputFile: 'junit.xml', useBrowserName: false },
    // A browser that does not start, stops answering or goes away ends the run instead of hanging it.
    captureTimeout: 60_000,
    browserNoActivityTimeout: 60_000,
    browserDisconnectTimeout: 10_000,
    browserDisconnectTolerance: 1,
    failOnEmptyTestSuite: true,
  });
};
