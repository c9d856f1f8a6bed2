// A receiver of gashub events that is complete, and small enough to be carried over.
//
//     mcs Receiver.cs && mono Receiver.exe PORT SECRET FILE        (or as a project of dotnet)
//
// SECRET is `whsec_` and base64, as agreed with the gateway's operator. PORT must be a free one; the
// first line on stdout is the address. Events are kept in FILE, one per line: key, a tab, base64 of
// the body. What stands there after the last newline was never acknowledged, and is cut off.

using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

public class Receiver
{
    const long ToleranceS = 300;
    const int LargestBodyBytes = 1048576;

    readonly byte[] key;
    readonly FileStream file;
    readonly Dictionary<string, string> receipts = new Dictionary<string, string>();

    long end; // of the last whole line in the file

    Receiver(byte[] key, string path)
    {
        this.key = key;
        file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        var kept = new MemoryStream();
        file.CopyTo(kept);
        var text = Encoding.GetEncoding("iso-8859-1").GetString(kept.ToArray());
        end = text.LastIndexOf('\n') + 1;
        foreach (var line in text.Substring(0, (int)end).Split('\n'))
        {
            var columns = line.Split('\t');
            if (columns.Length == 2 && Decoded(columns[1]).Length > 0
                && !receipts.ContainsKey(columns[0]))
                receipts[columns[0]] = NextReceipt();
        }
        file.SetLength(end);
        file.Flush(true);
    }

    /// What *text* stands for; nothing where it is no base64.
    static byte[] Decoded(string text)
    {
        try { return Convert.FromBase64String(text); }
        catch (FormatException) { return new byte[0]; }
    }

    /// Whether one of the signatures is ours, over these very bytes, and not too old or early.
    public static bool Verify(
        string id, string sentAt, string signatures, byte[] body, byte[] key, long nowS)
    {
        if (id == null || sentAt == null || signatures == null
            || !Regex.IsMatch(sentAt, "^[0-9]{1,15}\\z")
            || Math.Abs(nowS - long.Parse(sentAt)) > ToleranceS)
            return false;
        var head = Encoding.UTF8.GetBytes(id + "." + sentAt + ".");
        var signed = new byte[head.Length + body.Length];
        Buffer.BlockCopy(head, 0, signed, 0, head.Length);
        Buffer.BlockCopy(body, 0, signed, head.Length, body.Length);
        byte[] expected;
        using (var mac = new HMACSHA256(key)) expected = mac.ComputeHash(signed);
        foreach (var one in signatures.Split(' '))
        {
            if (!one.StartsWith("v1,", StringComparison.Ordinal)) continue;
            if (Same(Decoded(one.Substring(3)), expected)) return true;
        }
        return false;
    }

    /// In the same time whatever differs.
    static bool Same(byte[] one, byte[] other)
    {
        var differs = one.Length ^ other.Length;
        for (var i = 0; i < Math.Min(one.Length, other.Length); i++) differs |= one[i] ^ other[i];
        return differs == 0;
    }

    /// Store an event, unless its key is known; returns the receipt, the same each time.
    /// Your own work comes later, from what is stored here: so a fault of it loses no event.
    string Take(string id, byte[] body)
    {
        lock (receipts)
        {
            string known;
            if (receipts.TryGetValue(id, out known)) return known;
            var line = Encoding.UTF8.GetBytes(id + "\t" + Convert.ToBase64String(body) + "\n");
            file.SetLength(end); // without what an earlier write left behind when it failed
            file.Position = end;
            file.Write(line, 0, line.Length);
            file.Flush(true); // on the disk before it is acknowledged
            end += line.Length;
            return receipts[id] = NextReceipt();
        }
    }

    string NextReceipt() { return string.Format("R-{0:D6}", receipts.Count + 1); }

    void Handle(HttpListenerContext context)
    {
        var request = context.Request;
        var body = new MemoryStream();
        var piece = new byte[65536];
        int got;
        while (body.Length <= LargestBodyBytes
               && (got = request.InputStream.Read(piece, 0, piece.Length)) > 0)
            body.Write(piece, 0, got);
        var bytes = body.ToArray();
        var id = request.Headers["webhook-id"];
        var now = (long)(DateTime.UtcNow - new DateTime(1970, 1, 1)).TotalSeconds;
        if (bytes.Length > LargestBodyBytes) Answer(context, 413, "{\"code\": \"too_large\"}");
        else if (!Verify(id, request.Headers["webhook-timestamp"],
                         request.Headers["webhook-signature"], bytes, key, now)
                 || id != request.Headers["idempotency-key"])
            // Only webhook-id is signed: under another key an old event would be a new one.
            Answer(context, 401, "{\"code\": \"signature\"}");
        else if (!Regex.IsMatch(id, "^[A-Za-z0-9._-]{1,200}\\z") || !Json.IsObject(bytes))
            Answer(context, 400, "{\"code\": \"not_an_event\"}");
        else // Unknown fields and unknown types are taken as well: that is how the contract grows.
            Answer(context, 200,
                   "{\"receipt\": \"" + Take(id, bytes) + "\", \"key\": \"" + id + "\"}");
    }

    static void Answer(HttpListenerContext context, int status, string said)
    {
        var body = Encoding.UTF8.GetBytes(said);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength64 = body.Length;
        context.Response.OutputStream.Write(body, 0, body.Length);
        context.Response.Close();
    }

    public static int Main(string[] given)
    {
        var key = given.Length == 3 && given[1].StartsWith("whsec_", StringComparison.Ordinal)
            ? Decoded(given[1].Substring("whsec_".Length)) : new byte[0];
        if (key.Length == 0 || !Regex.IsMatch(given[0], "^[1-9][0-9]{0,4}\\z"))
        {
            Console.Error.WriteLine("mono Receiver.exe PORT SECRET FILE");
            Console.Error.WriteLine(
                "SECRET is `whsec_` and base64: `python3 check.py secret` makes one.");
            return 2;
        }
        Receiver receiver;
        var address = "http://127.0.0.1:" + given[0] + "/";
        var listener = new HttpListener();
        try
        {
            receiver = new Receiver(key, given[2]);
            listener.Prefixes.Add(address);
            listener.Start();
        }
        catch (Exception fault)
        {
            Console.Error.WriteLine(
                "cannot start at port " + given[0] + " with " + given[2] + ": " + fault.Message);
            return 2;
        }
        Console.WriteLine(address);
        Console.Out.Flush();
        while (true)
        {
            var context = listener.GetContext();
            ThreadPool.QueueUserWorkItem(_ =>
            {
                try { receiver.Handle(context); }
                catch (Exception fault) // no answer: what was not stored comes again
                {
                    Console.Error.WriteLine(fault.Message);
                    context.Response.Abort();
                }
            });
        }
    }

    /// Whether something is JSON. You have a library for it; mono alone has none.
    class Json
    {
        const int Deepest = 100;
        static readonly Regex Text = new Regex(
            @"\G""(?:[^""\\\x00-\x1f]|\\(?:[""\\/bfnrt]|u[0-9a-fA-F]{4}))*""");
        static readonly Regex Plain = new Regex(
            @"\G(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)");
        readonly string text;
        int at;

        Json(string text) { this.text = text; }

        public static bool IsObject(byte[] body)
        {
            try
            {
                var json = new Json(new UTF8Encoding(false, true).GetString(body));
                json.Space();
                return json.Next == '{' && json.Value(0) && json.at == json.text.Length;
            }
            catch (ArgumentException) { return false; } // no UTF-8
        }

        bool Value(int depth)
        {
            Space();
            var first = Next;
            var good = first == '{' || first == '['
                ? depth < Deepest && Members(first == '{', depth)
                : Matches(first == '"' ? Text : Plain);
            Space();
            return good;
        }

        bool Members(bool named, int depth)
        {
            var closing = named ? '}' : ']';
            at++;
            Space();
            if (Next == closing) { at++; return true; }
            while (true)
            {
                if (named)
                {
                    if (Next != '"' || !Value(depth + 1) || Next != ':') return false;
                    at++;
                }
                if (!Value(depth + 1)) return false;
                var after = Next;
                at++;
                Space();
                if (after != ',') return after == closing;
            }
        }

        char Next { get { return at < text.Length ? text[at] : '\0'; } }

        void Space() { while (at < text.Length && " \t\r\n".IndexOf(text[at]) >= 0) at++; }

        bool Matches(Regex pattern)
        {
            var found = pattern.Match(text, at);
            if (found.Success) at += found.Length;
            return found.Success;
        }
    }
}
