// How `ng test` runs the specs: headless Chromium, reports for the pipeline, and a limit on every wait.
const reports = process.env.REPORTS ?? 'reports';

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
