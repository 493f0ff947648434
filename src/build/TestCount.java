import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Sums up the test reports in the folders given: a line for each skipped test with its reason, and
 * at the end one line with the count. Fails where a test failed or none ran. Run by {@code
 * .ci/run}, in whatever Java Maven runs in.
 */
public class TestCount {
  private static final String BEFORE_ALL =
      "An assumption in @BeforeAll hides the tests it skips from the report: make it in each test";

  private int passed;
  private int failed;
  private int skipped;

  /** Reads the folders given; one that does not exist holds no reports. */
  public static void main(String[] folders) throws Exception {
    TestCount count = new TestCount();
    for (String folder : folders) {
      for (Path report : reports(Path.of(folder))) {
        count.add(report);
      }
    }
    // On a line of its own, wherever the output before it ended.
    System.out.printf(
        "%n%d passed, %d failed, %d skipped%n", count.passed, count.failed, count.skipped);
    System.exit(count.failed > 0 || count.passed == 0 ? 1 : 0);
  }

  private static List<Path> reports(Path folder) throws IOException {
    List<Path> reports = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "TEST-*.xml")) {
        files.forEach(reports::add);
      }
    }
    Collections.sort(reports);
    return reports;
  }

  private void add(Path report) throws Exception {
    NodeList tests =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(report.toFile())
            .getElementsByTagName("testcase");
    if (tests.getLength() == 0) {
      skipped++;
      System.out.println("skipped " + report.getFileName() + ": no test ran. " + BEFORE_ALL);
    }
    for (int i = 0; i < tests.getLength(); i++) {
      Element test = (Element) tests.item(i);
      Element skip = (Element) test.getElementsByTagName("skipped").item(0);
      if (skip != null) {
        skipped++;
        System.out.printf(
            "skipped %s.%s: %s%n",
            test.getAttribute("classname"), test.getAttribute("name"), reason(skip));
      } else if (has(test, "failure") || has(test, "error")) {
        failed++;
      } else {
        passed++;
      }
    }
  }

  private static boolean has(Element test, String outcome) {
    return test.getElementsByTagName(outcome).getLength() > 0;
  }

  /** A disabled test has a message; one whose assumption failed has the exception as text. */
  private static String reason(Element skip) {
    String message = skip.getAttribute("message").strip();
    String thrown =
        skip.getTextContent()
            .strip()
            .replaceFirst("^\\S*TestAbortedException:\\s*(Assumption failed: )?", "")
            .lines()
            .findFirst()
            .orElse("no reason given");
    return message.isEmpty() ? thrown : message;
  }
}
