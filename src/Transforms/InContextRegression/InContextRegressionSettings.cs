using System.Text.Json.Serialization;

namespace MlNetIcl.Transforms.InContextRegression;

/// <summary>What a fitted stage is made of, but for the regressor. Saved as JSON.</summary>
internal sealed record InContextRegressionSettings
{
    public required string FeatureColumnName { get; init; }

    /// <summary>Null where all rows have the same demonstrations.</summary>
    public string? DemonstrationFeaturesColumnName { get; init; }

    public string? DemonstrationLabelsColumnName { get; init; }

    public int Draws { get; init; } = 8;

    public int Seed { get; init; }

    public int BatchRows { get; init; } = 64;

    public required RegressionScaling Scaling { get; init; }

    /// <summary>Scaled features of the support set [draw][demonstration * feature]; null where rows bring their own.</summary>
    public float[][]? SupportFeatures { get; init; }

    /// <summary>Scaled labels [draw][demonstration].</summary>
    public float[][]? SupportLabels { get; init; }

    [JsonIgnore]
    public bool RowsBringDemonstrations => DemonstrationFeaturesColumnName is not null;

    /// <exception cref="FormatException">It was saved damaged.</exception>
    public void Validate(int demonstrations, int dimension)
    {
        if (Scaling is null) throw new FormatException("The saved stage has no scaling.");
        Scaling.Validate();
        bool sound = FeatureColumnName is { Length: > 0 } && Draws >= 1 && BatchRows is >= 1 and <= 4096 && Scaling.Features <= dimension
            && (RowsBringDemonstrations ? DemonstrationLabelsColumnName is { Length: > 0 } : IsSound(demonstrations));
        if (!sound) throw new FormatException("The saved stage's settings are damaged, or its regressor is another one.");
    }

    private bool IsSound(int demonstrations) => SupportFeatures is { Length: > 0 } x && SupportLabels is not null && SupportLabels.Length == x.Length
        && x.Zip(SupportLabels).All(s => s.First is not null && s.Second is not null && s.Second.Length <= demonstrations && s.Second.Length == SupportLabels[0].Length
            && s.First.Length == s.Second.Length * Scaling.Features && s.First.All(float.IsFinite) && s.Second.All(float.IsFinite));
}
