using System.Text.RegularExpressions;
using MlNetIcl.Models;

namespace MlNetIcl.Cli.Hosting;

/// <summary>An input of the tool itself (a token file, a line of text, a target folder) is wrong. The message is what users read.</summary>
internal sealed class InputException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>Turns exceptions into exit codes and single lines.</summary>
internal static partial class Failure
{
    public static int Report(Exception error, CliHost host, bool verbose)
    {
        try
        {
            host.Output.Flush();
        }
        catch (IOException)
        {
            // Whoever read the results is gone; the message below still has a reader.
        }
        if (error is OperationCanceledException && host.Cancellation.IsCancellationRequested)
        {
            host.Error.WriteLine("icl: interrupted.");
            return ExitCode.Failed;
        }
        host.Error.WriteLine($"icl: {Text(error)}");
        if (verbose) host.Error.WriteLine(error);
        return IsInput(error) ? ExitCode.WrongInput : ExitCode.Failed;
    }

    /// <summary>What went wrong, in one line for users.</summary>
    public static string Text(Exception error) => OneLine(Message(error));

    /// <summary>A message without line breaks or control characters: it may quote what a file says.</summary>
    public static string OneLine(string message) => Unprintable().Replace(message, " ").Trim();

    // What the library throws for wrong models, tokens, sites and settings. ArgumentNullException is nobody's input: it is a defect.
    private static bool IsInput(Exception error) => error is InputException
        or ModelFormatException or InvalidDataException or UnsupportedModelException or FormatException
        or InvalidDataException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException
        or (ArgumentException and not ArgumentNullException);

    private static string Message(Exception error) => error switch
    {
        ArgumentException argument => ParameterName().Replace(argument.Message, ""),
        OutOfMemoryException => "not enough memory. Use fewer or shorter rows, or capture fewer sites.",
        _ when string.IsNullOrWhiteSpace(error.Message) => error.GetType().Name,
        _ => error.Message,
    };

    [GeneratedRegex(@"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+")]
    private static partial Regex Unprintable();

    // What .NET appends for developers: "(Parameter 'x')" and the line "Actual value was …".
    [GeneratedRegex(@" \(Parameter '[^']*'\)(\r?\nActual value was [^\n]*)?$")]
    private static partial Regex ParameterName();
}
