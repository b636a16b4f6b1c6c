using MlNetIcl.Models;

namespace MlNetIcl.Transforms.Rows;

/// <summary>What is said of a row that cannot be computed.</summary>
internal static class InvalidRow
{
    /// <summary>The error where rows are set to throw.</summary>
    /// <param name="position">Number of the row.</param>
    /// <param name="column">The column at fault.</param>
    /// <param name="why">A whole sentence.</param>
    public static InvalidTokensException Error(long position, string column, string why) =>
        new($"Row {position}, column '{column}': {why} Mend the row, or set OnError to Missing to leave it out.");
}
