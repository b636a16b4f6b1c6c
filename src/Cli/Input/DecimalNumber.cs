using System.CommandLine;
using System.Globalization;
using static System.FormattableString;

namespace MlNetIcl.Cli.Input;

/// <summary>Options that take a number.</summary>
internal static class DecimalNumber
{
    /// <summary>An option whose value is checked while the command line is read; null where it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="help">What help calls its value.</param>
    /// <param name="least">The least value.</param>
    /// <param name="most">The greatest value.</param>
    /// <param name="usual">The default that help shows; null where the description says it.</param>
    /// <param name="description">What it sets.</param>
    public static Option<double?> Option(string name, string help, double least, double most, double? usual, string description) => new(name)
    {
        HelpName = help,
        Description = usual is { } value ? Invariant($"{description} Default: {value}.") : description,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= least && number <= most) return number;
            argument.AddError(most == double.MaxValue
                ? Invariant($"{name} takes a number of at least {least}, as 0.5; got '{text}'.")
                : Invariant($"{name} takes a number from {least} to {most}, as 0.01; got '{text}'."));
            return null;
        },
    };
}
