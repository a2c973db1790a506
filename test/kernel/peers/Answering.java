import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

/** Like answering.mjs, with the JDK's server. */
public class Answering {
    static String folder;

    static void answer(HttpExchange call, int status, int length, String body) throws IOException {
        call.sendResponseHeaders(status, length);
        call.getResponseBody().write(body.getBytes());
        call.getResponseBody().flush();
        call.close();
    }

    static void handle(HttpExchange call) throws IOException {
        String path = call.getRequestURI().getPath();
        switch (path.substring(path.lastIndexOf('/') + 1)) {
            case "whole" -> answer(call, 200, 2, "ok");
            case "early" -> answer(call, 413, 3, "big");
            case "cut" -> answer(call, 200, 100, "part");
            default -> {
                Files.createFile(Path.of(folder, path.substring(1).replace('/', '-')));
                try {
                    Thread.sleep(2000);
                } catch (InterruptedException e) {
                    return;
                }
                answer(call, 500, 5, "error");
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        folder = arguments[1];
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", Answering::handle);
        server.start();
    }
}
