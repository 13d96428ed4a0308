// Runs Kafka's own command line tools, one after the other in one JVM, each as if it were alone in its own: what it reads and
// writes are its own, and where it would end the JVM only it ends.
//
// Reads lines from standard input: fields in base64, with spaces between: SECONDS, INPUT, CLASS, ARGUMENT... Writes for each a
// line: STATUS, OUTPUT, ERRORS, the latter in base64; the status is `late` where the tool took longer.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.utils.Exit;

public class Tools {
  /** Thrown where a tool would end its JVM. */
  static final class Ended extends Error {
    Ended() {
      super("ended", null, false, false);
    }
  }

  /** A stream whose other end is changed for each tool: some keep the stream they find first. */
  static final class Switched extends OutputStream {
    volatile OutputStream to = OutputStream.nullOutputStream();

    @Override
    public void write(int one) throws IOException {
      to.write(one);
    }

    @Override
    public void write(byte[] many, int from, int length) throws IOException {
      to.write(many, from, length);
    }
  }

  /** One tool's run. */
  static final class Run {
    final ByteArrayOutputStream output = new ByteArrayOutputStream(), errors = new ByteArrayOutputStream();
    final AtomicReference<Integer> status = new AtomicReference<>();
    final List<Runnable> hooks = Collections.synchronizedList(new ArrayList<>());
    final CountDownLatch ended = new CountDownLatch(1);
    final List<Thread> before = jvmHooks();

    void listen(boolean on) {
      OUT.to = on ? output : OutputStream.nullOutputStream();
      ERRORS.to = on ? errors : OutputStream.nullOutputStream();
    }

    /** The first end counts: what a tool says of our way to end it is not heard. */
    void end(int code) {
      if (status.compareAndSet(null, code)) listen(false);
    }

    /** As a JVM does at its end: a tool may say its last words there. */
    void runHooks() {
      listen(true);
      for (var hook : List.copyOf(hooks)) hook.run();
      for (var hook : jvmHooks()) {
        if (!before.contains(hook) && Runtime.getRuntime().removeShutdownHook(hook)) hook.run();
      }
      System.out.flush();
      listen(false);
      ended.countDown();
    }
  }

  static final Switched OUT = new Switched(), ERRORS = new Switched();
  static volatile Run present;

  public static void main(String[] none) throws Exception {
    var answers = System.out;
    var questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.setOut(new PrintStream(OUT, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(ERRORS, true, StandardCharsets.UTF_8));
    Exit.Procedure ends = (status, message) -> {
      if (message != null) System.err.println(message);
      present.end(status);
      throw new Ended();
    };
    Exit.setExitProcedure(ends);
    Exit.setHaltProcedure(ends);
    Exit.setShutdownHookAdder((name, hook) -> present.hooks.add(hook));
    for (String line; (line = questions.readLine()) != null; ) {
      var fields = Arrays.stream(line.split(" ", -1)).map(Tools::decoded).toList();
      var run = run(Integer.parseInt(fields.get(0)), fields.get(1), fields.get(2), fields.subList(3, fields.size()));
      var status = run.status.get();
      answers.println((status == null ? "late" : status) + " " + encoded(run.output) + " " + encoded(run.errors));
    }
    Runtime.getRuntime().halt(0);
  }

  static Run run(int seconds, String input, String name, List<String> arguments) throws Exception {
    var run = present = new Run();
    run.listen(true);
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    var main = Class.forName(name).getMethod("main", String[].class);
    var thread = new Thread(() -> {
      try {
        main.invoke(null, (Object) arguments.toArray(new String[0]));
        System.out.flush();
        run.end(0);
      } catch (Throwable thrown) {
        var cause = thrown.getCause() == null ? thrown : thrown.getCause();
        // As a JVM tells of its main thread.
        if (!(cause instanceof Ended)) System.err.println("Exception in thread \"main\" " + cause);
        run.end(1);
      }
      run.runHooks();
    }, "main");
    thread.setDaemon(true);
    thread.start();
    if (!run.ended.await(seconds, TimeUnit.SECONDS)) run.status.set(null);
    return run;
  }

  /** What was given to the JVM itself to be run at its end. */
  @SuppressWarnings("unchecked")
  static List<Thread> jvmHooks() {
    try {
      var hooks = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
      hooks.setAccessible(true);
      return List.copyOf(((Map<Thread, Thread>) hooks.get(null)).keySet());
    } catch (ReflectiveOperationException broken) {
      throw new IllegalStateException(broken);
    }
  }

  static String decoded(String text) {
    return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
  }

  static String encoded(ByteArrayOutputStream bytes) {
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
